# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of M(hearth.llm.model): the lock file, and live progress while the module runs on the host.

The module runs as any other one, in one execution. Beside it a thread looks now and then at the progress file that the module writes:
directly where the host is this machine, else over a second connection of the same kind. It shows what it sees and changes nothing; where it
cannot look, nothing is shown, and the module's work is the same.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.hearth.llm.plugins.plugin_utils._lock_file import LockFile, LockFileError
from ansible_collections.hearth.llm.plugins.plugin_utils._progress import Bar, Log, Show, Viewer, look_at

# The strategy imports this file in the main process, whose standard error is the user's; the worker that runs the task has none.
ON_A_TERMINAL = sys.stderr.isatty()
COLUMNS = shutil.get_terminal_size().columns


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        lock_file = self._lock_file(arguments)
        if lock_file:
            arguments["lock"] = self._checked(lock_file.read)
        viewer = self._viewer(arguments, task_vars)
        viewer.start()
        try:
            result.update(
                self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val)
            )
        finally:
            viewer.stop(result.get("fetched_bytes"))
        if lock_file and "lock" in result and not result.get("failed"):
            self._lock(lock_file, result)
        return result

    def _lock_file(self, arguments: dict[str, Any]) -> LockFile | None:
        path = arguments.pop("lock_file", None)
        if not path:
            return None
        if arguments.get("lock"):
            raise AnsibleActionFail("lock and lock_file are both given. Give one of them.")
        if self._task.async_val:
            raise AnsibleActionFail(
                "lock_file cannot be written by an asynchronous task. Remove async, or give its content as lock."
            )
        return LockFile(self._loader.path_dwim(path))

    def _lock(self, lock_file: LockFile, result: dict[str, Any]) -> None:
        """Writes what was looked up into the lock file, and tells it as a change of its own."""
        update, write = boolean(self._task.args.get("update", False)), not self._task.check_mode
        before, after = self._checked(lambda: lock_file.merge(result["lock"], update=update, write=write))
        if before != after:
            result["changed"] = True
            there = {"before_header": lock_file.path, "after_header": lock_file.path}
            result["diff"] = [
                *([result["diff"]] if result.get("diff") else []),
                {**there, "before": before, "after": after},
            ]

    @staticmethod
    def _checked(action: Any) -> Any:
        try:
            return action()
        except LockFileError as error:
            raise AnsibleActionFail(str(error)) from error

    def _viewer(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> Viewer:
        display = Display()
        alone = len(task_vars.get("ansible_play_batch", ())) <= 1
        on_screen = partial(display.display, stderr=True, newline=False, screen_only=True)
        everywhere = partial(display.display, stderr=True, newline=False)
        show: Show
        if ON_A_TERMINAL and alone:
            show = Bar(on_screen, COLUMNS)
        else:
            show = Log(everywhere, str(task_vars.get("inventory_hostname", "")))
        directory = arguments.get("directory")
        if not directory or self._task.check_mode or self._task.no_log or self._task.async_val:
            return Viewer(None, show)
        return Viewer(look_at(self._connection, self._play_context, f"{directory}/.fetch/progress.json"), show)
