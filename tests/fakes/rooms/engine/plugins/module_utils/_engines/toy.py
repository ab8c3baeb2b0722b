# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that computes nothing, as a test adds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine

_BUILDS = {"toy": re.compile(r"^toy (\S+)")}


class Toy(Engine):
    name = "toy"
    title = "Toy"
    runtimes = ("process",)
    misspelled = ("toyengine",)
    builds = _BUILDS

    def options(
        self, model: Mapping[str, Any], defaults: Mapping[str, Any], *, context: int, **_told: Any
    ) -> dict[str, Any]:
        return {"context": context, **defaults, **(model.get("options") or {})}


ENGINE = Toy()
