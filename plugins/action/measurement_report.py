# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the evidence of a measurement on the controller. Without a connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.evidence import evidence, write
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.screen import lines

OPTIONS = {
    "raw": {"type": "path", "required": True},
    "directory": {"type": "path", "required": True},
    "sla": {"type": "dict", "default": {}},
    "baseline": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, given = self.validate_argument_spec(OPTIONS)
        directory = Path(given["directory"])
        # Values of a play carry Ansible's tags, which are nothing for a document.
        sla = json.loads(json.dumps(given["sla"] or {}))
        baselines = [Path(path) for path in given["baseline"] or [] if path]
        try:
            found = evidence(Path(given["raw"]), sla, baselines, str(given["title"] or ""))
            changed = write(directory, found.files, dry=self._task.check_mode)
        except HearthError as error:
            raise AnsibleActionFail(error.message) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. Name a directory that you may write to, and give it room."
            ) from None
        told = json.loads(json.dumps(found.document))
        names = sorted(found.files)
        return {
            **result,
            "changed": bool(changed),
            "diff": [{"prepared": "".join(f"{directory / name}\n" for name in sorted(changed))}],
            "directory": str(directory),
            "verdict": found.verdict,
            "passed": found.passed,
            "reasons": told["reasons"],
            "lines": lines(told),
            "concurrency": told["concurrency"],
            "comparison": told["comparison"],
            "figures": told["groups"],
            "files": [str(directory / name) for name in names],
        }
