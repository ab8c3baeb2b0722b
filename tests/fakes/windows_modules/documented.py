# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module of theirs takes, as its documentation says it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

OF_AN_OPTION = ("type", "required", "default", "choices", "aliases", "elements")


def argument_spec(module: Path) -> dict[str, Any]:
    """As Ansible's own validator reads it."""
    return _spec(_options(module))


def heeds_check_mode(module: Path) -> bool:
    """Where its script says that it does not, Ansible skips it in a dry run."""
    script = module.with_suffix(".ps1")
    declared = r"supports_check_mode['\"]?\s*=?\s*\$true"
    # One without a script acts on the controller.
    return not script.exists() or bool(re.search(declared, script.read_text(), re.IGNORECASE))


def _options(documented: Path) -> dict[str, Any]:
    described = _documentation(documented)
    merged: dict[str, Any] = {}
    fragments = described.get("extends_documentation_fragment", [])
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        shared = documented.parents[1] / "doc_fragments" / f"{fragment.rpartition('.')[2]}.py"
        # Those of Ansible itself say what every module has, and no options of these.
        if shared.exists():
            merged |= _options(shared)
    return {**merged, **described.get("options", {})}


@cache
def _documentation(documented: Path) -> dict[str, Any]:
    code = documented.read_text()
    if documented.suffix == ".yml":
        return dict(yaml.load(code, yaml.CSafeLoader)["DOCUMENTATION"])
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "DOCUMENTATION" for name in node.targets):
            return dict(yaml.load(ast.literal_eval(node.value), yaml.CSafeLoader))
    raise ValueError(f"{documented} has no documentation")


def _spec(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    spec = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in OF_AN_OPTION if key in option}
        if "suboptions" in option:
            spec[name] |= {"type": option.get("type", "dict"), "options": _spec(option["suboptions"])}
        if "password" in name and option.get("type") == "str":
            spec[name]["no_log"] = True
    return spec
