# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of the lock: its form, and how it is read."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

NAME = ".hearth.lock.yml"
VARIABLE = "hearth_lock_file"
# In this order they stand in it. Each is a dictionary.
#   images   by the name in the description: digest, created, platforms (digest by platform)
#   engines  by engine and build: the list of options, and its hash
#   python   by the file that roles install from: its hash
#   models   by source: the hash of what .models.lock.yml says of it, which is where the commit and the files stand
#   hosts    by name: packages (version by name)
PARTS = ("images", "engines", "python", "models", "hosts")

_HEAD = """\
---
# Written by playbooks/lock.yml: what the names in this inventory meant. Commit this file, and write it anew to take what is newer.
"""


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint and people like it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def empty() -> dict[str, Any]:
    return {part: {} for part in PARTS}


def load(path: Path) -> dict[str, Any]:
    """What it says; nothing in each part where there is no file."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return empty()
    return _load(str(path), changed)


@functools.lru_cache(maxsize=4)
def _load(path: str, _changed: int) -> dict[str, Any]:
    try:
        told = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(
            f"Cannot read the lock {path}: {' '.join(str(error).split())}. Restore it, or remove it and run lock.yml."
        ) from None
    if (
        not isinstance(told, dict)
        or not all(isinstance(told.get(part, {}), dict) for part in PARTS)
        or set(told) - set(PARTS)
    ):
        raise InputError(f"The lock {path} is not as lock.yml writes it: restore it, or remove it and run lock.yml.")
    return {part: told.get(part) or {} for part in PARTS}


def text(lock: Mapping[str, Any]) -> str:
    """The same lock is the same text."""
    plain = {part: json.loads(json.dumps(lock[part], sort_keys=True)) for part in PARTS}
    return _HEAD + yaml.dump(plain, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
