# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by the Python that has vLLM: prints, as JSON, which options `vllm serve` has there and which variables it reads."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def main() -> None:
    # Whatever vLLM says while it is imported goes elsewhere: standard output is for the JSON.
    output, sys.stdout = sys.stdout, sys.stderr
    import vllm
    from vllm import envs
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = ServeSubcommand().subparser_init(FlexibleArgumentParser().add_subparsers())
    options = [describe(action) for action in parser._actions if action.option_strings]
    document = {
        "engine": "vllm",
        "build": vllm.__version__.partition("+")[0],
        "options": options,
        "environment": sorted(envs.environment_variables),
    }
    print(json.dumps(document), file=output)


def describe(action: argparse.Action) -> dict[str, Any]:
    # The long names first; argparse itself adds the contrary of flags.
    written = sorted(action.option_strings, key=lambda name: not name.startswith("--"))
    negations = [
        name for name in written if isinstance(action, argparse.BooleanOptionalAction) and name.startswith("--no-")
    ]
    found: dict[str, Any] = {
        "names": [name.lstrip("-") for name in written if name not in negations],
        "kind": kind(action),
    }
    if negations:
        found["negations"] = [name.lstrip("-") for name in negations]
    if action.choices:
        found["choices"] = [str(choice) for choice in action.choices if choice is not None]
    elif getattr(unwrapped(action.type), "__name__", "") == "human_readable_int_or_auto":
        found["choices"] = ["auto", "-1"]
    if action.nargs in ("+", "*"):
        found["several"] = True
    return found


def kind(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "flag"
    converter = unwrapped(action.type)
    names = {
        "int": "int",
        "float": "number",
        "human_readable_int": "size",
        "human_readable_int_or_auto": "size",
        "parse_dataclass": "json",
        "loads": "json",
        "union_dict_and_str": "json",
    }
    return names.get(getattr(converter, "__name__", ""), "text")


def unwrapped(converter: Any) -> Any:
    """vLLM wraps a converter in one that also takes None or says better what is wrong; it is kept in the closure."""
    for cell in getattr(converter, "__closure__", None) or ():
        if callable(cell.cell_contents) and converter.__name__ in ("_optional_type", "_parse_type"):
            return unwrapped(cell.cell_contents)
    return converter


if __name__ == "__main__":
    main()
