# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from integration.conftest import module_playbook

__all__ = ["module_playbook"]
