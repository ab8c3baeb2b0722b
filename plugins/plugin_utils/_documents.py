# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the modules that take documents: what there is goes to the host, and the bytes only where they are needed."""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import asdict
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._documents import describe, walk
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError


class DocumentsAction(ActionBase):
    """Runs the module with the manifests of its sets and, when it asks for bytes, once more with an archive of them."""

    _supports_check_mode = True
    _supports_async = False
    # The option of the module that lists the sets, each with a `src`.
    sets: ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        places: dict[str, str] = {}
        if not boolean(arguments.get("remote_src", False)):
            arguments["manifests"] = [self._manifest(item, places) for item in arguments.get(self.sets) or []]
        answer = self._execute_module(module_args=arguments, task_vars=task_vars)
        needed = answer.pop("needed", None)
        if needed and not answer.get("failed"):
            arguments["archive"] = self._send({sha256: places[sha256] for sha256 in needed})
            answer = self._execute_module(module_args=arguments, task_vars=task_vars)
        result.update(answer)
        return result

    def _manifest(self, item: Any, places: dict[str, str]) -> list[dict[str, Any]] | None:
        """What the set has, and where on the controller each content lies."""
        src = item.get("src") if isinstance(item, dict) else None
        if not src:
            return None
        manifest = []
        try:
            for path, place in walk(self._loader.path_dwim(src)):
                document = describe(path, place)
                places.setdefault(document.sha256, place)
                manifest.append(asdict(document))
        except InputError as error:
            raise AnsibleActionFail(error.message) from error
        return manifest

    def _send(self, places: dict[str, str]) -> str:
        """All these bytes in one archive on the host, readable by the user that the module runs as."""
        directory = self._connection._shell.tmpdir or self._make_tmp_path()
        there = self._connection._shell.join_path(directory, "documents.zip")
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for sha256, place in places.items():
                    archive.write(place, sha256)
            file.flush()
            self._transfer_file(file.name, there)
        self._fixup_perms2([directory, there])
        return str(there)
