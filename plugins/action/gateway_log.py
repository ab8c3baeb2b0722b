# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes into the rows of a measurement, on the controller, what the module of this name finds in the gateway's log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.raw import begun, joined

# Clocks of two hosts may differ, and a request is known by its id in any case.
MARGIN_SECONDS = 600


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        raw = Path(str(arguments.get("raw") or ""))
        try:
            arguments.setdefault("since", begun(raw) - MARGIN_SECONDS)
            result.update(
                self._execute_module(
                    module_name="hearth.llm.gateway_log", module_args=arguments, task_vars=task_vars or {}
                )
            )
            found = result.pop("requests", {})
            if result.get("failed"):
                return result
            known, unknown, changed = joined(raw, found, write=not self._task.check_mode)
        except HearthError as error:
            raise AnsibleActionFail(error.message) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. Name a directory that you may write."
            ) from None
        return {**result, "changed": changed, "joined": known, "unknown": unknown}
