#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a snapshot, brings it back, and takes away what it has replaced."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_restore
short_description: Bring back what services keep from a snapshot
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Works by the settings that the role P(hearth.llm.backup#role) has written on the host, and by restic. No secret is an option.
  - With O(state=judged) nothing is changed. It is an error where the repository does not answer, is locked, is damaged or opens by another password, where it
    has no such snapshot, where there is no room for it, and where what lies there has changed since and is not named in O(replace).
  - With O(state=brought) the same is judged. Then the snapshot is brought to a directory of its own, counted and compared with what was counted when it was
    taken, and each database is checked. Only then services are stopped that run, and directories renamed. What was there stays beside it.
  - With O(state=finished) what was replaced is removed. It is for when the services have answered.
  - A run that was killed is taken up by the next one.
requirements:
  - restic 0.12 or newer
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
    details: It judges, and changes nothing.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(state=brought) a snapshot is brought back each time.
options:
  settings:
    description: The file with the settings of backups, on the host.
    type: path
    required: true
  state:
    description: How far it is to go.
    type: str
    choices: [judged, brought, finished]
    required: true
  snapshot:
    description: The snapshot, or the beginning of its name. Empty for the newest of this host.
    type: str
    default: ""
  replace:
    description: What may be replaced though it has changed since, by the names of services.
    type: list
    elements: str
    default: []
seealso:
  - module: hearth.llm.backup_snapshot
"""

EXAMPLES = r"""
- name: Bring the newest snapshot back, and lose what has come since
  hearth.llm.backup_restore:
    settings: /var/lib/hearth/backup/config/backup/current/settings.json
    state: brought
    replace: [open_webui]
"""

RETURN = r"""
snapshot:
  description: The snapshot.
  type: str
  returned: unless O(state=finished)
  sample: 8a2f0c1d9b7e
time:
  description: When it was taken.
  type: str
  returned: unless O(state=finished)
  sample: "2026-11-30T03:30:04.123456789Z"
needs_bytes:
  description: What it takes on the disk.
  type: int
  returned: unless O(state=finished)
free_bytes:
  description: What was free before.
  type: int
  returned: unless O(state=finished)
is_under_way:
  description: Whether an earlier run has begun it, and was ended before its end.
  type: bool
  returned: unless O(state=finished)
replaced:
  description: What is there, and is replaced, by names of services.
  type: list
  elements: str
  returned: unless O(state=finished)
counted:
  description: Of each service what was counted in what was brought back, its files and their bytes.
  type: dict
  returned: with O(state=brought), unless in check mode
  sample: {open_webui: {users: 3, chats: 120, documents: 14, files: 31, bytes: 8123456}}
words:
  description: The same as a text.
  type: str
  returned: with O(state=brought), unless in check mode
  sample: "open_webui: 3 users, 120 chats, 14 documents, 31 files, 8123456 bytes"
stopped:
  description: The services whose data was replaced, by this run or by an earlier one that it has ended. Their roles start them.
  type: list
  elements: str
  returned: with O(state=brought), unless in check mode
  sample: [open_webui]
removed:
  description: The directories of before that were removed.
  type: list
  elements: str
  returned: with O(state=finished), unless in check mode
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import manifest, restore, services, settings, snapshot
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "settings": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["judged", "brought", "finished"], "required": True},
        "snapshot": {"type": "str", "default": ""},
        "replace": {"type": "list", "elements": "str", "default": []},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    told = settings.read(params["settings"])
    if params["state"] == "finished":
        if check_mode:
            return {"changed": True}
        with snapshot.alone(told):
            removed = restore.finish(told)
        return {"changed": bool(removed), "removed": removed}
    with snapshot.alone(told):
        judged = restore.judge(told, params["snapshot"], params["replace"])
        result: dict[str, Any] = {"changed": params["state"] == "brought", **asdict(judged)}
        if params["state"] == "brought" and not check_mode:
            result["counted"] = restore.bring_beside(told, judged)
            result["words"] = manifest.words(result["counted"])
            result["stopped"] = restore.swap(told, lambda name: services.stop(told, name))
    return result


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
