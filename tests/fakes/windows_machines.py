# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows PCs as `facts.ps1` tells of them, by name. Written by the documentation of Windows and WSL, and by what people report; none was read from a PC.

A file has a `story`, the `facts` that differ from those of the machine that it is `of`, what is wished, and what is planned then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parents[1] / "unit/plugins/plugin_utils/_windows/machines"
NAMES = sorted(path.stem for path in PLACE.glob("*.json"))


def machine(name: str) -> dict[str, Any]:
    """What stands in the file, with its facts complete."""
    written: dict[str, Any] = json.loads((PLACE / f"{name}.json").read_text(encoding="utf-8"))
    written["facts"] = facts(name)
    return written


def facts(name: str) -> dict[str, Any]:
    written = json.loads((PLACE / f"{name}.json").read_text(encoding="utf-8"))
    return _merged(facts(written["of"]), written["facts"]) if "of" in written else dict(written["facts"])


def _merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Dictionaries are merged; whatever else there is takes the place of what was."""
    merged = deepcopy(dict(base))
    for key, value in patch.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else deepcopy(value)
    return merged
