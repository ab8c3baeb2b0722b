# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins and ends a dry run that is written down: on the controller, without a connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.plugin_utils._drift import report
from ansible_collections.hearth.llm.plugins.plugin_utils._drift.record import RUNNING

CALLBACK = "hearth.llm.drift"
OPTIONS = {
    "state": {"type": "str", "choices": ["began", "told"], "required": True},
    "directory": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, arguments = self.validate_argument_spec(OPTIONS)
        directory = Path(arguments["directory"])
        result.update(changed=False, state=arguments["state"], directory=str(directory))
        if arguments["state"] == "began":
            self._begin(directory)
            return result
        try:
            result["hosts"] = json.loads((directory / RUNNING).read_text(encoding="utf-8"))
        except OSError as error:
            raise AnsibleActionFail(
                f"{directory / RUNNING} cannot be read ({error.strerror}), where this run writes down what it finds: begin with hearth.llm.drift_report: "
                "state: began, and let no other run of it go on at the same time."
            ) from None
        wrong = report.wrong(result["hosts"])
        if wrong:
            result.update(failed=True, msg="\n".join([*wrong, f"The whole report is {directory / 'drift.html'}."]))
        return result

    def _begin(self, directory: Path) -> None:
        if not self._task.check_mode:
            raise AnsibleActionFail(
                "This run would change what is not as described, and not tell of it: run it with --check --diff."
            )
        if CALLBACK not in constants.config.get_config_value("CALLBACKS_ENABLED"):
            raise AnsibleActionFail(
                f"Nobody writes down what this run finds: name {CALLBACK} in callbacks_enabled of ansible.cfg, or in ANSIBLE_CALLBACKS_ENABLED."
            )
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise AnsibleActionFail(
                f"The reports are to lie in {directory}, which cannot be made ({error.strerror}): write another one as hearth_reports_directory."
            ) from None
