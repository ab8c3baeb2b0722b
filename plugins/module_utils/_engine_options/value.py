# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value is one that an option takes."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import Option

_TRUTHS = ("true", "false", "on", "off", "1", "0", "yes", "no")
_SIZE = re.compile(r"\d+(\.\d+)?[kmgKMG]?")
_WANTED = {
    "flag": "true or false",
    "int": "a whole number",
    "number": "a number",
    "size": "a whole number, such as 2048 or 8k",
    "json": "an object, or its JSON as a text",
    "text": "a text",
}


def why_not(option: Option, value: Any) -> str:
    """What is wrong, to follow the name of the option; empty where nothing is."""
    items = value if option.several and isinstance(value, list) else [value]
    if items and all(_fits(option, item) for item in items):
        return ""
    words = " or ".join(
        filter(
            None, (", ".join(option.choices), "" if option.choices and option.kind == "text" else _WANTED[option.kind])
        )
    )
    if value is None:
        return f"needs a value: {words}"
    if isinstance(value, dict) and option.kind == "text" and not option.choices:
        return f"takes a text: write it as one, '{json.dumps(value)}'"
    return f"takes {words}, not {value!r}"


def _fits(option: Option, value: Any) -> bool:
    if option.choices and _word(option, value) in option.choices:
        return True
    if option.kind == "flag":
        return isinstance(value, bool) or str(value).lower() in _TRUTHS
    if value is None or isinstance(value, bool):
        return False
    if option.kind == "json":
        return isinstance(value, (dict, list)) or _is_json(str(value))
    if not isinstance(value, (str, int, float)):
        return False
    if option.kind == "size":
        return bool(_SIZE.fullmatch(str(value)))
    if option.kind in ("int", "number"):
        return _is_number(str(value), whole=option.kind == "int")
    return not option.choices


def _word(option: Option, value: Any) -> str:
    if isinstance(value, bool) and "on" in option.choices:
        # YAML reads on and off as true and false.
        return "on" if value else "off"
    return str(value)


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return not whole or number == int(number)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        # A name that the engine looks up itself, such as a path.
        return bool(text) and text[0] not in "{["
    return True
