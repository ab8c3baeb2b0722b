# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines: each a file here that ends with `ENGINE`, an object of what `_contract` says, and a role of the same name.

On the controller all of them are there. A module on a target has those that `_on_targets` names, for Ansible carries only what is imported
by name. PRIVATE to the collection.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine

# Serves what names no engine.
DEFAULT = "llama_cpp"


@functools.lru_cache(maxsize=None)
def engines() -> dict[str, Engine]:
    """All that have a file here, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}").ENGINE for name in names}


def engine(name: str) -> Engine:
    return engines()[name]
