# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the description of a host wants, to be locked: on the controller, without a connection."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.wanted import wanted
from ansible_collections.hearth.llm.plugins.plugin_utils._role_judgements import Judges
from ansible_collections.hearth.llm.plugins.plugin_utils._templates import OMITTED, Reader


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        variables = task_vars or {}
        reader = Reader(self._templar, variables)
        described = {
            name: reader.read(name, value) for name, value in variables.items() if name.startswith(_description.PREFIX)
        }
        sound = _description.sound({name: value for name, value in described.items() if value is not OMITTED})
        judges = Judges(self._loader, self._templar, variables)
        try:
            found = wanted(str(variables.get("inventory_hostname")), variables.get("groups") or {}, sound, judges)
        except HearthError as error:
            raise AnsibleActionFail(error.message) from None
        return {**result, "changed": False, "wanted": found}
