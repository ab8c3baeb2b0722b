# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that a gateway and an engine might read in two ways: spelled, doubled, nested, cut, and bent."""

from __future__ import annotations

import random
from collections.abc import Iterator

NAMES = ("model", "max_tokens", "n_predict", "n", "prompt", "stream", "stream_options", "messages", "x", "", "mode")
TEXTS = (
    *(
        "alpha",
        "org/alpha",
        "beta",
        "",
        "\\",
        '"',
        '\\"model\\":"beta"',
        "}{",
        "],",
        "\\\\",
        "ä€😀",
        "\u2028",
        "\x00",
        "\n",
    ),
    *(r"model\u0022", "n" * 50, "\ud800", "\ufeff"),
)
NUMBERS = (
    "1",
    "0",
    "-1",
    "500",
    "501",
    "1e3",
    "500.0",
    "5E-1",
    "1e999",
    "-0",
    "0501",
    "99999999999999999999",
    "1.",
    "NaN",
)
BLANKS = ("", "", "", " ", "\n\t", "\r\n ", "\v", "\xa0", "\x00", "/**/")
WORDS = ("true", "false", "null", "nul", "True", "Infinity", "-Infinity")


def bodies(number: int, seed: int) -> Iterator[bytes]:
    choice = random.Random(seed)
    for _body in range(number):
        text = _blank(choice) + _object(choice, 0, top=True) + _blank(choice)
        encoding = "utf-16" if choice.random() < 0.01 else "utf-8-sig" if choice.random() < 0.01 else "utf-8"
        body = bytearray(text.encode(encoding, "surrogatepass"))
        for _change in range(choice.choice((0, 0, 0, 0, 1, 3))):
            place = choice.randrange(len(body) + 1)
            body[place : place + choice.randrange(2)] = choice.choice(
                (b'"', b"\\", b"{", b"}", b",", b"\0", b"\xff", b"")
            )
        yield bytes(body)


def _blank(choice: random.Random) -> str:
    return choice.choice(BLANKS[:6]) if choice.random() < 0.97 else choice.choice(BLANKS)


def _object(choice: random.Random, depth: int, top: bool = False) -> str:
    names = [choice.choice(NAMES) for _name in range(choice.choice((0, 1, 2, 3, 5)))]
    if top and choice.random() < 0.9:
        names.insert(choice.randrange(len(names) + 1), "model")
    members = []
    for name in names:
        value = (
            _text(choice, choice.choice(TEXTS[:3]))
            if top and name == "model" and choice.random() < 0.7
            else _value(choice, depth + 1)
        )
        members.append(f"{_blank(choice)}{_text(choice, name)}{_blank(choice)}:{_blank(choice)}{value}{_blank(choice)}")
    if choice.random() < 0.02:
        members.append("")
    return "{" + ",".join(members) + _blank(choice) + "}"


def _value(choice: random.Random, depth: int) -> str:
    kind = choice.random()
    if kind < 0.3 or depth > 6:
        return choice.choice(NUMBERS)
    if kind < 0.4:
        return choice.choice(WORDS[:3]) if choice.random() < 0.9 else choice.choice(WORDS)
    if kind < 0.7:
        return _text(choice, choice.choice(TEXTS))
    if kind < 0.85:
        return _object(choice, depth)
    return "[" + ",".join(_value(choice, depth + 1) for _entry in range(choice.randrange(4))) + "]"


def _text(choice: random.Random, text: str) -> str:
    return '"' + "".join(_letter(choice, letter) for letter in text) + '"'


def _letter(choice: random.Random, letter: str) -> str:
    """As JSON has it, mostly; any letter may be an escape, and now and then one is not that should be."""
    if choice.random() < 0.1 and ord(letter) < 0x10000:
        digits = f"{ord(letter):04x}"
        return "\\u" + (digits.upper() if choice.random() < 0.5 else digits)
    if letter in '"\\' and choice.random() < 0.97:
        return "\\" + letter
    if letter == "/" and choice.random() < 0.3:
        return "\\/"
    if letter == "\n" and choice.random() < 0.9:
        return "\\n"
    return letter
