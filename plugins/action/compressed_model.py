# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of M(hearth.llm.compressed_model): shows how far it is while the module runs on the host."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.hearth.llm.plugins.plugin_utils._progress import LOG_SECONDS, Viewer, look_at


class Steps:
    """A line when another step begins, and one now and then."""

    def __init__(self, write: Callable[[str], None], host: str, now: Callable[[], float] = time.monotonic) -> None:
        self._write, self._host, self._now = write, f"{host}: " if host else "", now
        self._last: tuple[str, str] | None = None
        self._written = 0.0

    def update(self, state: dict[str, Any]) -> None:
        step = (state["name"], state["what"])
        if step != self._last or self._now() - self._written >= LOG_SECONDS:
            self._last, self._written = step, self._now()
            self._write(f"{self._host}compressing {state['name']}: {state['what']}, {state['percent']} %\n")

    def end(self, fetched_bytes: int | None) -> None:
        """What was made the module says itself."""


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        viewer = self._viewer(str(task_vars.get("inventory_hostname", "")))
        viewer.start()
        try:
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
        finally:
            viewer.stop(None)
        return result

    def _viewer(self, host: str) -> Viewer:
        display = Display()
        show = Steps(partial(display.display, stderr=True, newline=False), host)
        directory = self._task.args.get("directory")
        if (
            not directory
            or self._task.check_mode
            or self._task.no_log
            or self._task.async_val
            or not self._task.args.get("models")
        ):
            return Viewer(None, show)
        return Viewer(look_at(self._connection, self._play_context, f"{directory}/.compressed/progress.json"), show)
