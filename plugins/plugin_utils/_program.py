# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of module_utils with all that it imports of this collection, as files that run where there is no Ansible."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.hearth.llm.plugins.module_utils"
# Below the directory of the program, which is in its PYTHONPATH. A host may have a package of this name already: each folder says that it is one.
FOLDERS = PACKAGE.split(".")


def program_files(room: str) -> dict[str, str]:
    """For each path below the program's directory what stands in the file. It is run as a module: python3 -m PACKAGE.ROOM.program"""
    sources: dict[str, str] = {}
    todo = [f"{room}/program.py"]
    while todo:
        path = todo.pop()
        if path not in sources:
            sources[path] = (ROOT / "plugins/module_utils" / path).read_text(encoding="utf-8")
            todo += _imported(sources[path])
    folders = {str(Path(*FOLDERS[:depth])) for depth in range(1, len(FOLDERS) + 1)}
    home = "/".join(FOLDERS)
    files = {f"{home}/{path}": text for path, text in sources.items()}
    folders |= {str(Path(path).parent) for path in files}
    return {**{f"{folder}/__init__.py": "" for folder in folders}, **files}


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[: len(FOLDERS)] == FOLDERS:
            place = Path(*node.module.split(".")[len(FOLDERS) :])
            for candidate in (
                place.with_suffix(".py") if place.name else place,
                *(place / f"{name.name}.py" for name in node.names),
            ):
                if (ROOT / "plugins/module_utils" / candidate).is_file():
                    yield str(candidate)
            for package in [place, *place.parents]:
                if (ROOT / "plugins/module_utils" / package / "__init__.py").is_file():
                    yield str(package / "__init__.py")
