# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service keeps on its host that nobody could make anew: what a backup takes, and how it is taken while it goes on. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Mapping, Sequence


class Kept(NamedTuple):
    """SQLite databases are found by themselves, and copied by SQLite. All other files are taken as they lie there."""

    # Below hearth_directory.
    place: str
    # Patterns of files and directories below it that are not taken, for the service makes them anew.
    without: Sequence[str] = ()
    # Patterns of files that are changed in place, several together: they are copied, and all is taken once more where one of them has changed meanwhile.
    still: Sequence[str] = ()
    # What is counted: its name → the database below the place, and the table.
    counts: Mapping[str, Sequence[str]] = {}
    # The service that is stopped while what is kept is replaced, where it is not called as its room; empty: none.
    service: str | None = None

    def described(self, name: str, title: str) -> dict[str, Any]:
        """As a backup is told of it."""
        return {
            "name": name,
            "title": title,
            "place": self.place,
            "without": list(self.without),
            "still": list(self.still),
            "counts": {counted: list(where) for counted, where in self.counts.items()},
            "service": name if self.service is None else self.service,
        }


# Sums are written anew, and a journal is closed, summed up and taken away; what is appended to it meanwhile is no harm (ledger.lua).
GATEWAY = Kept(place="gateway_usage", still=("*.sums", "journal.closed"))
# Verified files, which are never changed; what is half fetched is not taken.
MODELS = Kept(place="models", without=(".quarantine", ".fetch/partial"), service="")
