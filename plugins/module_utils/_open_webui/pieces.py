# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the pieces are that a document is cut into. People and models count tokens, the server cuts by characters, and only for all alike.

How many characters a token has depends on what is written: four letters of English, two of Russian, less than one sign of Japanese, a single dot of a
table of contents. So the length is reckoned for each document, and set on the server while that document is embedded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Iterator

_SHORTEST = 16
# What an embedding model adds to a text: its marks of beginning and end.
ADDED = 8
_WINDOW = 256
# Tokens for one sign: as it is on the whole, and as it may be at worst. Byte by byte it may be more; then the piece is cut again.
_LETTERS = (re.compile(r"[A-Za-z\u00c0-\u024f\s]+"), 0.25, 0.4)
_SIGNS = (re.compile(r"[\x00-\u024f]+"), 0.5, 1.0)
_SCRIPTS = (re.compile(r"[\u0250-\u1fff]+"), 0.5, 1.0)
_OTHERS = (1.0, 1.0)


@dataclass(frozen=True)
class Pieces:
    """`most` is what the embedding model takes, tokens; None where nobody knows."""

    tokens: int
    overlap: int
    model: str
    most: int | None = None

    @property
    def mark(self) -> str:
        """Kept with each document: when it differs, the document is cut anew."""
        return f"{self.tokens}+{self.overlap} {self.model}".strip()

    def characters(self, text: str | None, parts: int = 1) -> tuple[int, int]:
        """Length and overlap for a document of this text, or of one that is not known yet. `parts` makes them so many times shorter."""
        usual, worst = density(text) if text else (_LETTERS[1], _OTHERS[1])
        length = self.tokens / usual
        if self.most is not None:
            length = min(length, (self.most - ADDED) / worst)
        size = max(int(length / parts), _SHORTEST)
        return size, min(int(self.overlap / usual / parts), size - 1)


def checked(
    name: str, tokens: int | None, overlap: int | None, model: str, most: int | None, *, default_overlap: int = 0
) -> Pieces | None:
    """What an item asks for; None where it asks for nothing."""
    if tokens is None:
        if overlap is not None:
            raise InputError(f"{name}: chunk_overlap_tokens is given without chunk_tokens. Give both.")
        return None
    overlap = default_overlap if overlap is None else overlap
    if tokens < _SHORTEST:
        raise InputError(
            f"{name}: pieces of {tokens} tokens hold no sentence. Give chunk_tokens of {_SHORTEST} or more."
        )
    if not 0 <= overlap < tokens:
        raise InputError(
            f"{name}: pieces of {tokens} tokens cannot overlap by {overlap}. Give chunk_overlap_tokens from 0 to {tokens - 1}."
        )
    if most is not None and tokens > most - ADDED:
        raise InputError(
            f"{name}: pieces of {tokens} tokens are longer than the embedding model takes, which is {most}. "
            f"Give chunk_tokens of at most {most - ADDED}, or an embedding model with more context_tokens."
        )
    return Pieces(tokens, overlap, model, most)


def density(text: str) -> tuple[float, float]:
    """Tokens for one character: of the whole text, and of the densest place in it at worst."""
    total, densest = 0.0, 0.0
    for window in _windows(text):
        usual, worst = _tokens(window)
        total += usual
        densest = max(densest, worst / len(window))
    return max(total / len(text), 0.01), max(densest, 0.01)


def _windows(text: str) -> Iterator[str]:
    for start in range(0, len(text), _WINDOW):
        yield text[start : start + _WINDOW]


def _tokens(text: str) -> tuple[float, float]:
    usual = worst = 0.0
    for pattern, each, most in (_LETTERS, _SIGNS, _SCRIPTS):
        rest = pattern.sub("", text)
        usual += (len(text) - len(rest)) * each
        worst += (len(text) - len(rest)) * most
        text = rest
    return usual + len(text) * _OTHERS[0], worst + len(text) * _OTHERS[1]
