# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option lists that the collection carries, found by what an image or a wheel is called."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import OptionList, from_document
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines

DIRECTORY = Path(__file__).resolve().parents[2] / "files/engine_options"
# How each engine's images or wheels say which build they are, and whose lists these are.
BUILDS = {name: pattern for engine in engines().values() for name, pattern in engine.builds.items()}
ENGINES = {name: engine for engine in engines().values() for name in engine.builds}


def build_of(engine: str, reference: str) -> str:
    """The build that a reference names, such as 11176 for ghcr.io/ggml-org/llama.cpp:server-b11176; empty if it names none."""
    found = BUILDS[engine].search(reference)
    return found.group(1) if found else ""


def find(engine: str, reference: str) -> OptionList | None:
    """The list of that very build, or one of which it is known in what it differs. None where there is neither."""
    path = path_of(engine, reference)
    return from_document(_documents(engine)[path], build_of(engine, reference)) if path else None


def path_of(engine: str, reference: str) -> Path | None:
    """Where that list lies."""
    build = build_of(engine, reference)
    for path, document in _documents(engine).items():
        since = document.get("since", {}).get("build")
        if document["build"] == build or (since and build.isdigit() and since <= int(build) <= int(document["build"])):
            return path
    return None


def misnomers(engine: str) -> dict[str, str]:
    """Names that are often written and not right, each with what is meant."""
    known: dict[str, dict[str, str]] = json.loads((DIRECTORY / "misnomers.json").read_text())
    return known.get(ENGINES[engine].name, {})


@functools.cache
def _documents(engine: str) -> dict[Path, dict[str, Any]]:
    return {path: json.loads(path.read_text()) for path in sorted(DIRECTORY.glob(f"{engine}-*.json"))}
