# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the licence of a model allows, in words: by what its card and its header call it. PRIVATE to the collection."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FREE, UNKNOWN = "free", "unknown"
# What a card says of a licence that the hub has no word for.
_OTHER = ("other", "unknown")


@dataclass(frozen=True)
class Licence:
    # What the card and the header call it; empty where they say nothing.
    card: str
    header: str
    # By which name it is judged, and the address of its text.
    name: str
    link: str
    # free, conditions, not_commercial or unknown; and what that means.
    use: str
    words: str

    @property
    def findings(self) -> list[str]:
        """What a reader has to know of it, each the end of a sentence that begins with the model."""
        said = [] if self.use == FREE else [self.words]
        if self.card and self.header and self.card != self.header and self.header not in _OTHER:
            said.append(f"has the licence {self.card} by its card and {self.header} by its file's header")
        return said


def judged(card: Mapping[str, str], header: Mapping[str, str], known: Sequence[Mapping[str, Any]]) -> Licence:
    """The card goes before the header: whoever publishes a file often takes its header over from elsewhere."""
    by_card = _name(card.get("license", ""), card.get("license_name", ""))
    by_header = _name(header.get("license", ""), header.get("license.name", ""))
    named = [name for name in (by_card, by_header) if name]
    name = next((name for name in named if name not in _OTHER), named[0] if named else "")
    link = card.get("license_link") or header.get("license.link") or ""
    entry = next((entry for entry in known if _means(entry, name)), None)
    if entry is None:
        return Licence(by_card, by_header, name, link, UNKNOWN, _unknown(name, link))
    source = link or str(entry["source"])
    words = f"{entry['words']} ({name}, {source})"
    return Licence(by_card, by_header, name, source, str(entry["use"]), words)


def _name(identifier: str, name: str) -> str:
    """One of the maker's own has a name beside "other"."""
    known, own = identifier.strip().lower(), name.strip().lower()
    return own if own and known in ("", *_OTHER) else known


def _means(entry: Mapping[str, Any], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["names"]) if name else False


def _unknown(name: str, link: str) -> str:
    if not name:
        return "names no licence: ask whoever has published it before you use it"
    text = f", at {link}," if link else ""
    return f"has the licence {name!r}, which is not known here: read its text{text} before you use it"
