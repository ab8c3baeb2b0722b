# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server makes a slug of a name: the npm package slugify, with more signs where a workspace is named.

Seen: AnythingLLM 1.16.0, driven unmodified (`!` → bang, `*` → splat, `@` → at; nothing left → a UUID).
Source: Workspace.slugify in server/models/workspace.js; the collector calls slugify without the additions.
The package has a table of some 550 letters. Here: Russian, and letters whose accents Unicode can take off; compared with slugify 1.6.9.
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {"$": "dollar", "%": "percent", "&": "and", "<": "less", ">": "greater", "|": "or", "€": "euro", "ß": "ss"}
_SIGNS.update({"£": "pound", "¥": "yen", "©": "(c)", "®": "(r)", "ø": "o", "Ø": "O", "ł": "l", "\u0131": "i"})
_SIGNS.update({"æ": "ae", "Æ": "AE", "œ": "oe"})
# Three dots, quotation marks and a dash, as word processors set them.
_SIGNS.update({"\u2026": "...", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})
# From U+0430 on, in the order of the alphabet; one letter has no sound, and one stands apart.
_RUSSIAN = re.findall(r"\S+", "a b v g d e zh z i j k l m n o p r s t u f h c ch sh sh u y _ e yu ya")
for _number, _latin in [*enumerate(_RUSSIAN, 0x430), (0x451, "yo")]:
    _SIGNS[chr(_number)] = _latin.strip("_")
    _SIGNS[chr(_number).upper()] = _latin.strip("_").capitalize()
# What Workspace.slugify adds, so that no vector database stumbles over a slug.
_OF_WORKSPACES = {"+": " plus ", "!": " bang ", "@": " at ", "*": " splat ", ".": " dot "}
_OF_WORKSPACES.update(dict.fromkeys(":~()'\"|", ""))
_NEVER = re.compile(r"[^\w\s$*_+~.()'\"!\-:@]+", re.ASCII)


def slugified(text: str) -> str:
    """As the collector names its files: the case is kept, and so are dots."""
    return _slug(text, _SIGNS)


def slug_of(name: str) -> str:
    """Of the whole name, however long it is. Empty where nothing is left."""
    return _slug(name, {**_SIGNS, **_OF_WORKSPACES}).lower()


def _slug(text: str, signs: dict[str, str]) -> str:
    kept = ""
    for letter in unicodedata.normalize("NFC", text):
        latin = signs.get(letter)
        if latin is None:
            latin = unicodedata.normalize("NFD", letter)[0] if letter.isalpha() else letter
        kept += _NEVER.sub("", " " if latin == "-" else latin)
    return re.sub(r"\s+", "-", kept.strip())
