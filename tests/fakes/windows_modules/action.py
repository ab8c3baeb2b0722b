# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each stand-in is: an action that reaches a file where theirs reaches a host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import shell_loader
from fakes.windows_modules import behaviours, machine
from fakes.windows_modules.wsl import WindowsError

Result = dict[str, Any]
# What theirs tells its own module beside what is documented.
INTERNAL = ("_copy_mode", "_original_basename", "files", "directories", "symlinks")


class StandIn(ActionBase):  # type: ignore[misc]
    """One that theirs does wholly on the host."""

    module: str
    spec: Mapping[str, Any]
    heeds_check_mode: bool

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> Result:
        del tmp
        variables = task_vars or {}
        self._host = self._task.delegate_to or variables["inventory_hostname"]
        given = dict(self._task.args)
        if wrong := self._judged(given)[1]:
            return {"failed": True, "msg": f"{self.module}: {wrong}"}
        if self._task.check_mode and not self.heeds_check_mode:
            return {"skipped": True, "msg": "This module does not support check mode."}
        result = self.act(variables)
        machine.note(
            self._host,
            module=self.module,
            task=self._task.get_name(),
            arguments=given,
            changed=bool(result.get("changed")),
            dry=bool(self._task.check_mode),
        )
        return result

    def act(self, _task_vars: Mapping[str, Any]) -> Result:
        return self.reach(self.module, dict(self._task.args))

    def reach(self, module: str, arguments: Mapping[str, Any], sent: Mapping[str, bytes] | None = None) -> Result:
        """What would happen on the host."""
        behaviour = behaviours.BEHAVIOURS.get(module)
        if behaviour is None:
            return {
                "failed": True,
                "msg": f"No stand-in says what {module} does: write it in tests/fakes/windows_modules.",
            }
        internal = {name: value for name, value in arguments.items() if name in INTERNAL}
        parameters, wrong = dict(arguments), ""
        if not internal:
            parameters, wrong = self._judged(arguments)
        if wrong:
            return {"failed": True, "msg": f"{module}: {wrong}"}
        dry = bool(self._task.check_mode)
        try:
            with machine.opened(self._host, kept=not dry) as here:
                return behaviour(here, {**parameters, "_sent": sent or {}, "_dry": dry})
        except WindowsError as error:
            return {"failed": True, "msg": str(error)}

    def _judged(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        validated = ArgumentSpecValidator(dict(self.spec)).validate(dict(arguments))
        return dict(validated.validated_parameters), "; ".join(validated.error_messages)


def stand_in(module: str, spec: Mapping[str, Any], heeds_check_mode: bool, theirs: ModuleType | None = None) -> type:
    """The action of one module; where `theirs` has a part on the controller, that part is theirs."""
    bases = (StandIn,) if theirs is None else (_of_theirs(theirs),)
    return type("ActionModule", bases, {"module": module, "spec": spec, "heeds_check_mode": heeds_check_mode})


def _of_theirs(theirs: ModuleType) -> type[StandIn]:
    class Theirs(StandIn, theirs.ActionModule):  # type: ignore[misc,name-defined]
        def act(self, task_vars: Mapping[str, Any]) -> Result:
            # Paths are put together as for a Windows.
            self._connection._shell = shell_loader.get("powershell")
            self._sent: dict[str, bytes] = {}
            if hasattr(theirs, "reboot_host"):
                # It waits for a host that is gone meanwhile, by commands over the connection.
                vars(theirs)["reboot_host"] = lambda *_connection, **told: self.reach(self.module, told)
            return dict(theirs.ActionModule.run(self, task_vars=task_vars))

        def _execute_module(self, module_name: str, module_args: Mapping[str, Any], **_more: Any) -> Result:
            return self.reach(module_name, module_args, self._sent)

        def _transfer_file(self, local: str, remote: str) -> str:
            self._sent[remote] = Path(local).read_bytes()
            return remote

        def _make_tmp_path(self, *_arguments: Any) -> str:
            return "C:\\Temp"

        def _remove_tmp_path(self, *_arguments: Any, **_more: Any) -> None:
            pass

    return Theirs
