# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is locked, and where the lock lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.hearth.llm.plugins.plugin_utils._beside_inventory import place_of
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.document import NAME, VARIABLE

LOCKED = "hearth_locked"


def is_locked(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> bool:
    return LOCKED in variables and bool(boolean(template(variables[LOCKED]), strict=False))


def place(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Path:
    return place_of(NAME, VARIABLE, variables, template)
