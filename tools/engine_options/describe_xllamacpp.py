# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by the Python that has xllamacpp: prints, as JSON, which options serve_options.py knows with that wheel."""

from __future__ import annotations

import enum
import json
import sys
from typing import Any

sys.path.insert(0, sys.argv[1])

import serve_options
import xllamacpp

# What serve_options.py converts by itself.
SPECIAL_KINDS = {
    "api-key": "text",
    "api-key-file": "text",
    "chat-template-file": "text",
    "chat-template-kwargs": "json",
    "gpu-layers": "int",
    "kv-offload": "flag",
    "reasoning": "text",
    "rerank": "flag",
    "tensor-split": "text",
    "timeout": "int",
}
SPECIAL_CHOICES = {"gpu-layers": ["auto", "all"], "reasoning": ["on", "off", "auto"]}


def main() -> None:
    parameters = xllamacpp.CommonParams()
    options = [describe(name, parameters) for name in sorted([*serve_options.PLACES, *serve_options.SPECIAL])]
    print(
        json.dumps(
            {
                "engine": "xllamacpp",
                "build": xllamacpp.__version__,
                "options": [option for option in options if option],
                "environment": [],
            }
        )
    )


def describe(name: str, parameters: Any) -> dict[str, Any] | None:
    names = [name, *(synonym for synonym, meant in serve_options.SYNONYMS.items() if meant == name)]
    if name in SPECIAL_KINDS:
        found: dict[str, Any] = {"names": names, "kind": SPECIAL_KINDS[name]}
        if name in SPECIAL_CHOICES:
            found["choices"] = SPECIAL_CHOICES[name]
    else:
        target = parameters
        for step in serve_options.PLACES[name].split("."):
            target = getattr(target, step, None)
        if target is None:
            return None
        found = {"names": names, "kind": kind(target)}
        if name in serve_options.CHOICES:
            found["choices"] = list(serve_options.CHOICES[name][1])
        if isinstance(target, (list, set)):
            found["several"] = True
    if found["kind"] == "flag":
        found["negations"] = [f"no-{known}" for known in names]
    return found


def kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, enum.Enum):
        return "text"
    if isinstance(value, int):
        return "int"
    return "number" if isinstance(value, float) else "text"


if __name__ == "__main__":
    main()
