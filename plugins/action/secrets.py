# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the secrets that variables read and that are not there yet: on the controller, without a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._missing_secrets import Missing, noted
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import (
    keep,
    make_once,
    refuse_unfit_directory,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._templates import explained

OPTIONS = {"variables": {"type": "list", "elements": "str", "required": True}}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, arguments = self.validate_argument_spec(OPTIONS)
        # All are read before the first is made.
        missing = self._missing(arguments["variables"], task_vars or {})
        try:
            if self._task.check_mode:
                for one in missing:
                    refuse_unfit_directory(one.directory, one.path.parent)
                made = [one.path for one in missing]
            else:
                made = _made(missing)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from None
        return {**result, **_told(made)}

    def _missing(self, names: Sequence[str], variables: Mapping[str, Any]) -> list[Missing]:
        with noted() as missing:
            for name in names:
                if name not in variables:
                    raise AnsibleActionFail(
                        f"variables names {name}, which is not defined: define it, or take it away."
                    )
                try:
                    self._templar.template(variables[name])
                # Whatever a template, a lookup or a vault runs into.
                except Exception as error:
                    raise AnsibleActionFail(f"{name} cannot be read, because {explained(error)}.") from None
        return list(missing.values())


def _made(missing: Sequence[Missing]) -> list[Path]:
    """Those that no other fork has made meanwhile."""
    made = [one.path for one in missing if make_once(one.directory, one.path, one.new(), one_of_many=True)]
    for directory in dict.fromkeys(path.parent for path in made):
        keep(directory)
    return made


def _told(made: Sequence[Path]) -> dict[str, Any]:
    """Where they are. What they are is not told."""
    paths = [str(path) for path in made]
    told: dict[str, Any] = {"changed": bool(paths), "made": paths}
    if paths:
        header = "secrets on the controller"
        after = "".join(f"{path}\n" for path in paths)
        told["diff"] = {"before": "", "after": after, "before_header": header, "after_header": header}
    return told
