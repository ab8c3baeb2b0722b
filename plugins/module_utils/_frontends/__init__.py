# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frontends: each a file here that ends with `FRONTEND`, an object of what `_contract` says, and a role of the same name. PRIVATE to the collection."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._frontends._contract import Frontend


@functools.lru_cache(maxsize=None)
def frontends() -> dict[str, Frontend]:
    """All that have a file here, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}").FRONTEND for name in names}
