# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own way of importing collections, before any test imports from ours: the two ways do not mix in one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader([str(Path(__file__).resolve().parents[2] / ".collections")])


@pytest.fixture(autouse=True)
def nothing_to_hide() -> None:
    """A process is one module's, and knows it and its secrets to the end; tests share one."""
    from ansible_collections.hearth.llm.plugins.module_utils import _hidden, _module

    _hidden.forget()
    _module._running.clear()
