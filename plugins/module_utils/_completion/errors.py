# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a question came."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError

# In the order in which a question passes them.
STAGES = ("resolve", "connect", "tls", "request", "auth", "model", "loading", "generation", "answer")


class ProbeError(HearthError):
    """The question came as far as `stage`. `heals` says whether waiting alone can help."""

    def __init__(self, stage: str, message: str, *, heals: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.stage, self.heals, self.status = stage, heals, status
