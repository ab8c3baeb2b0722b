#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a snapshot into a directory that nobody uses, verifies it, and takes it away again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_drill
short_description: Prove that a snapshot can be brought back
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Judges the repository and a snapshot as M(hearth.llm.backup_restore) does, brings it to a directory of its own, counts what is in it, checks each database,
    and removes it again. What services keep is not touched.
requirements:
  - restic 0.12 or newer
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
    details: Nothing that stays is changed either way.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  settings:
    description: The file with the settings of backups, on the host.
    type: path
    required: true
  snapshot:
    description: The snapshot, or the beginning of its name. Empty for the newest of this host.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Prove that last night's snapshot can be brought back
  hearth.llm.backup_drill:
    settings: /var/lib/hearth/backup/config/backup/current/settings.json
"""

RETURN = r"""
snapshot:
  description: The snapshot.
  type: str
  returned: success
  sample: 8a2f0c1d9b7e
time:
  description: When it was taken.
  type: str
  returned: success
  sample: "2026-11-30T03:30:04.123456789Z"
counted:
  description: Of each service what was counted, which is what was counted when the snapshot was taken, its files and their bytes.
  type: dict
  returned: success
  sample: {open_webui: {users: 3, chats: 120, documents: 14, files: 31, bytes: 8123456}}
words:
  description: The same as a text.
  type: str
  returned: success
  sample: "open_webui: 3 users, 120 chats, 14 documents, 31 files, 8123456 bytes"
seconds:
  description: How long it took.
  type: float
  returned: success
minutes:
  description: The same in minutes.
  type: float
  returned: success
"""

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import restore, settings
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


def argument_spec() -> dict[str, Any]:
    return {"settings": {"type": "path", "required": True}, "snapshot": {"type": "str", "default": ""}}


def run(path: str, snapshot: str) -> dict[str, Any]:
    return restore.drill(settings.read(path), snapshot)


def main() -> None:
    run_module(lambda module: run(module.params["settings"], module.params["snapshot"]), argument_spec())


if __name__ == "__main__":
    main()
