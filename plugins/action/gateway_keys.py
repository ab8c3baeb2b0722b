# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes and rotates the texts of API keys: on the controller, without a connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_findings import KEY
from ansible_collections.hearth.llm.plugins.plugin_utils._rotation import (
    DAY,
    RotatedText,
    keep_prepared,
    locked,
    remove_emptied,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import make_directory, new_text, read_line

OPTIONS = {
    "keys": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "rotation": {"type": "str"},
            "overlap_days": {"type": "int", "default": 7},
        },
    },
    "directory": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["prepared", "present", "withdrawn"], "required": True},
}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _known, arguments = self.validate_argument_spec(OPTIONS)
        top = Path(arguments["directory"])
        directory, keys, state = top / "api_keys", arguments["keys"], arguments["state"]
        try:
            for key in keys:
                if not KEY.fullmatch(key["name"]):
                    raise InputError(
                        f"{key['name']!r} is no name for an API key: use letters, digits, '.', '_', '@' and '-'."
                    )
            result.update(
                self._prepare(top, directory, keys) if state == "prepared" else self._end(directory, keys, state)
            )
        except InputError as error:
            raise AnsibleActionFail(str(error)) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"The API keys in {directory} cannot be written: {error.strerror} ({error.filename}). "
                "Make it a directory of this user, or set hearth_secrets_directory to one."
            ) from None
        return result

    def _prepare(self, top: Path, directory: Path, keys: list[Mapping[str, Any]]) -> dict[str, Any]:
        with locked(directory, reads=True):
            wanting = [key for key in keys if self._text(directory, key).is_wanting(key["rotation"])]
            if not wanting:
                return {"changed": False, "made": [], "rotated": []}
            if self._task.check_mode:
                return self._told(directory, wanting)
        make_directory(top, directory)
        with locked(directory):
            # Another fork may have made them since.
            wanting = [key for key in wanting if self._text(directory, key).is_wanting(key["rotation"])]
            told = self._told(directory, wanting)
            for key in wanting:
                self._text(directory, key).prepare(key["rotation"], key["overlap_days"], lambda: new_text("sk-hearth-"))
            if wanting:
                keep_prepared(directory)
        return told

    def _end(self, directory: Path, keys: list[Mapping[str, Any]], state: str) -> dict[str, Any]:
        if self._task.check_mode or not (directory / ".prepared").is_dir():
            return {"changed": False}
        with locked(directory):
            texts = [self._text(directory, key) for key in keys]
            changed = [text.take_over() if state == "present" else text.withdraw() for text in texts]
            remove_emptied(directory)
        return {"changed": any(changed)}

    def _text(self, directory: Path, key: Mapping[str, Any]) -> RotatedText:
        return RotatedText(directory, key["name"], lambda path: read_line(path, self._loader.get_text_file_contents))

    def _told(self, directory: Path, wanting: list[Mapping[str, Any]]) -> dict[str, Any]:
        """What is made: names, rotations and days."""
        before, after = [], []
        made, rotated = [], []
        today = time.time()
        for key in wanting:
            text = self._text(directory, key)
            since = text.since
            after.append(
                f"{key['name']}: rotation {key['rotation'] or text.rotation or 'none'}, valid since {_day(today)}"
            )
            if since is None:
                made.append(key["name"])
                continue
            rotated.append(key["name"])
            before.append(f"{key['name']}: rotation {text.rotation or 'none'}, valid since {_day(since)}")
            after.append(f"{key['name']}: the text before it ends on {_day(today + key['overlap_days'] * DAY)}")
        header = f"{directory}"
        diff = {"before": _lines(before), "after": _lines(after), "before_header": header, "after_header": header}
        return {"changed": bool(wanting), "made": made, "rotated": rotated, "diff": diff}


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
