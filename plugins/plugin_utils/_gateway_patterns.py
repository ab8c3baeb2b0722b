# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions of PCRE2 that only bodies match whose keys say what they may, however the keys are spelled.

JSON can spell every letter as an escape, and a key twice. Who judges a text that somebody else will read has to see what any reader could see. A key with an
object as its value is not meant, as in the description of a tool. The text is matched from quote to quote and without a way back. When the matcher gives up,
on a huge text of nothing but quotes, the text does not match and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence


def body_pattern(names: Sequence[str], highest: int | None = None) -> str:
    """For texts that have one of the keys exactly once, or, with `highest`, in which each of the keys is a whole number up to that, wherever it stands and
    however often. null is fine, too; 1e3, 5.0, -1 and texts are not."""
    # Within a string each quote has a backslash before it: in valid JSON nothing but a key matches this.
    key = rf'"(?:{"|".join(map(_spellings, names))})"\s*+:\s*+'
    if highest is None:
        plain = rf"{key}[^\s{{]"
        return rf"\A{_without(plain)}{plain}{_without(plain)}\z"
    more = rf"{key}(?!(?:{_up_to(int(highest))}|null)\s*+[,}}])[^\s{{]"
    return rf"\A{_without(more)}\z"


def _without(pattern: str) -> str:
    """Any text that has no match of a pattern that begins with a quote."""
    return rf'[^"]*+(?:(?!{pattern})"[^"]*+)*+'


def _spellings(name: str) -> str:
    return "".join(map(_letter, name))


def _letter(letter: str) -> str:
    # Digits of an escape may be written small or big.
    digits = "".join(digit if digit.isdecimal() else f"[{digit}{digit.upper()}]" for digit in f"{ord(letter):04x}")
    return rf"(?:{letter}|\\u{digits})"


def _up_to(highest: int) -> str:
    digits = str(highest)
    shorter = [rf"\d{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    smaller = [
        rf"{digits[:place]}[0-{int(digit) - 1}]\d{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    return "|".join([*shorter, *smaller, digits])
