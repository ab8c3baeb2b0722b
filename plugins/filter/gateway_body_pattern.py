# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A regular expression that only bodies match whose keys say what they may, however the keys are spelled."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_body_pattern
short_description: A regular expression for JSON texts whose keys say what they may
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Gives an expression of PCRE2 that a whole JSON text matches when it has one of the keys exactly once, or, with O(highest), when each of
    the keys is a whole number up to that, wherever it stands and however often.
  - JSON can spell every letter as an escape, and a key twice. Who judges a text that somebody else will read has to see what any reader could see.
  - A key with an object as its value is not meant, as in the description of a tool.
  - The text is matched from quote to quote and without a way back. When the matcher gives up, on a huge text of nothing but quotes, the text does not
    match and is refused.
positional: highest
options:
  _input:
    description: The keys, made of letters, digits and underscores.
    type: list
    elements: str
    required: true
  highest:
    description: The highest number that the keys may have. C(null) is fine, too; C(1e3), C(5.0), C(-1) and texts are not.
    type: int
"""

EXAMPLES = r"""
- name: Show what bodies look like that ask for no more than 500 tokens
  ansible.builtin.debug:
    msg: "{{ ['max_tokens', 'n_predict'] | hearth.llm.gateway_body_pattern(500) }}"
"""

RETURN = r"""
_value:
  description: The regular expression.
  type: str
"""

from collections.abc import Callable, Sequence
from typing import Any


def gateway_body_pattern(names: Sequence[str], highest: int | None = None) -> str:
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


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_body_pattern": gateway_body_pattern}
