# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the secrets of the controller into one encrypted text, or unpacks it: on the controller, without a connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._controller_archive import (
    files_of,
    missing,
    pack,
    places,
    unpack,
    write,
)

OPTIONS = {
    "state": {"type": "str", "choices": ["packed", "unpacked"], "required": True},
    "directory": {"type": "path", "required": True},
    "lock_file": {"type": "path", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "content": {"type": "str"},
    "replace": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, given = self.validate_argument_spec(OPTIONS)
        directory, lock_file = Path(given["directory"]), Path(given["lock_file"])
        password = str(given["password"])
        try:
            if given["state"] == "packed":
                return {**result, "changed": False, "content": pack(files_of(directory, lock_file), password)}
            if not given["content"]:
                raise AnsibleActionFail("state is unpacked, and content, what is to be unpacked, is not given.")
            wanted = places(unpack(str(given["content"]), password), directory, lock_file)
            paths = missing(wanted, replace=bool(given["replace"]))
            if paths and not self._task.check_mode:
                write(wanted, paths, directory)
        except InputError as error:
            raise AnsibleActionFail(error.message) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. Have the secrets in a directory that this user may read and write (hearth_secrets_directory)."
            ) from None
        names = [str(path) for path in paths]
        told = {"changed": bool(names), "written": names}
        if names:
            header = "secrets on the controller"
            told["diff"] = {
                "before": "",
                "after": "".join(f"{name}\n" for name in names),
                "before_header": header,
                "after_header": header,
            }
        return {**result, **told}
