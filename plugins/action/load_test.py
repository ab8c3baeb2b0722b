# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of M(hearth.llm.load_test): the file of prompts, and live progress while the module runs on the host.

A run that is interrupted needs nothing from here: the module notices that nobody waits for its result, and its rows are written by then.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.hearth.llm.plugins.plugin_utils._load_progress import Line, Lines
from ansible_collections.hearth.llm.plugins.plugin_utils._progress import Show, Viewer, look_at

# The strategy imports this file in the main process, whose standard error is the user's; the worker that runs the task has none.
ON_A_TERMINAL = sys.stderr.isatty()
COLUMNS = shutil.get_terminal_size().columns


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {**self._task.args, "profile": self._with_prompts(self._task.args.get("profile"))}
        viewer = self._viewer(arguments.get("directory"), task_vars)
        viewer.start()
        try:
            result.update(
                self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val)
            )
        finally:
            viewer.stop(result.get("ended"))
        return result

    def _with_prompts(self, profile: Any) -> Any:
        """A file of the controller goes as its text, so that the host needs no copy."""
        wanted = profile.get("prompts") if isinstance(profile, dict) else None
        if not isinstance(wanted, str) or not wanted.lower().endswith(".csv"):
            return profile
        path = self._loader.path_dwim(wanted)
        try:
            text = Path(path).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(
                f"profile.prompts: {path} cannot be read ({error}). Name a UTF-8 file of the controller with the columns prompt,workspace."
            ) from error
        return {**profile, "prompts": {"csv": text, "name": wanted}}

    def _viewer(self, directory: Any, task_vars: dict[str, Any]) -> Viewer:
        display = Display()
        alone = len(task_vars.get("ansible_play_batch", ())) <= 1
        show: Show
        if ON_A_TERMINAL and alone:
            show = Line(partial(display.display, stderr=True, newline=False, screen_only=True), COLUMNS)
        else:
            write = partial(display.display, stderr=True, newline=False)
            show = Lines(write, str(task_vars.get("inventory_hostname", "")))
        if not directory or self._task.check_mode or self._task.no_log or self._task.async_val:
            return Viewer(None, show)
        return Viewer(look_at(self._connection, self._play_context, f"{directory}/progress.json"), show)
