# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a finding says what stands there, and what to write instead."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher, get_close_matches
from typing import Any, Collection, Mapping

_SHOWN = 60
_LOGIN = re.compile(r"(?<=//)[^/@\s]*@")
_QUERY = re.compile(r"\?.*", re.DOTALL)
_GROUPED = re.compile(r"\d{1,3}(?:[ ,'._]\d{3})+")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([km])i?(?:\s*tokens?)?", re.IGNORECASE)
_TIME = re.compile(r"\s*".join(rf"(?:([0-9]+(?:\.[0-9]+)?)\s*{letter}[a-z]*)?" for letter in "dhms"), re.IGNORECASE)
_PLAIN = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)\s*(%|[a-z]*)", re.IGNORECASE)
# What stands behind a number besides its unit.
_UNITS = {"requests": ("slots",), "percent": ("%",), "seconds": ("secs",), "people": ("users",)}
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "å": "a", "ł": "l"})
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_KINDS = {
    "str": "a text",
    "dict": "a dictionary",
    "list": "a list",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
}


def shown(value: Any) -> str:
    """A value as one would write it, short, and without what an address may carry of logins and signatures."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = _QUERY.sub("?…", _LOGIN.sub("", value)) if "//" in value else value
        return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (Mapping, list, tuple)) for item in value):
            return "a list"
        return f"[{listed(value)}]" if value else "an empty list"
    if isinstance(value, Mapping):
        return "a dictionary" if value else "an empty dictionary"
    return str(value)


def listed(values: Collection[Any]) -> str:
    text = ", ".join(str(value) if sayable(value) else repr(value) for value in values)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def kind_of(value: Any) -> str:
    """What a value is, where it may be a secret that nobody wants to read."""
    if value is None:
        return "empty (null)"
    for kind, words in (
        ("bool", bool),
        ("str", str),
        ("dict", Mapping),
        ("list", (list, tuple)),
        ("int", int),
        ("float", float),
    ):
        if isinstance(value, words):
            return _KINDS[kind]
    return f"a value of the kind {type(value).__name__}"


def nearest(name: str, names: Collection[str], cutoff: float = 0.6) -> str:
    """The name that is spelled most alike; empty where none is near."""
    plain = {_plain(other): other for other in names}
    turned = [other for other in plain if sorted(other) == sorted(_plain(name))]
    if len(turned) == 1:
        # Letters that changed their places.
        return plain[turned[0]]
    close = get_close_matches(_plain(name), plain, n=1, cutoff=cutoff)
    return plain[close[0]] if close else ""


def alike(name: str, other: str) -> bool:
    return SequenceMatcher(None, name, other).ratio() >= 0.6


def nearest_free(name: str, names: Collection[str], there: Collection[str]) -> str:
    """As `nearest`, but rather one that is not there yet: who wrote modle beside mode meant model."""
    return nearest(name, [other for other in names if other not in there], cutoff=0.8) or nearest(name, names)


def labelled(name: Any) -> str:
    """A name as it stands in a path: one line, and not longer than one reads."""
    text = "null" if name is None else str(name)
    return text if sayable(text) and text == text.strip() else shown(text)


def without_accents(text: str) -> str:
    """Letters that names may have, for those that they may not."""
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def written(value: Any) -> str:
    """An item of a list as it has to be written in YAML between brackets."""
    text = str(value)
    plain = not isinstance(value, str) or re.fullmatch(r"[\w./+(<][^\[\]{},#'\"]*", text)
    return text if plain and ": " not in text and not text.endswith(":") else "'" + text.replace("'", "''") + "'"


def sayable(value: Any) -> bool:
    """Whether a value can stand in a sentence that says what to write."""
    text = str(value)
    return bool(text.strip()) and text.isprintable() and len(text) <= _SHOWN


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def meant_number(text: str, unit: str) -> int | None:
    """The number that somebody had in mind who wrote 8k, 15m, 8,192 or four."""
    text = text.strip()
    if len(text) > _SHOWN:
        return None
    if text.lower() in _NUMBERS:
        return _NUMBERS.index(text.lower())
    if _GROUPED.fullmatch(text):
        return int(re.sub(r"\D", "", text))
    if unit == "seconds" and text and not text.isdecimal():
        found = _TIME.fullmatch(text)
        if found and any(found.groups()):
            days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
            return round(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    sized = _SIZE.fullmatch(text) if unit == "tokens" else None
    if sized:
        return int(float(sized[1]) * {"k": 1024, "m": 1024 * 1024}[sized[2].lower()])
    return _counted(text, unit)


def _counted(text: str, unit: str) -> int | None:
    """A number with its own unit behind it: 30s are no tokens."""
    found = _PLAIN.fullmatch(text)
    if not found:
        return None
    number, word = float(found[1]), found[2].lower()
    own = not word or unit.startswith(word) or word in _UNITS.get(unit, ())
    return int(number) if own and number.is_integer() else None
