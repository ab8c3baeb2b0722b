#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a host's backup repository ready, or takes a snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_snapshot
short_description: Make a backup repository ready, or take a snapshot of what services keep
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Works by the settings that the role P(hearth.llm.backup#role) has written on the host, and by restic. No secret is an option.
  - With O(state=ready) the repository is made where there is none yet. One that was there before, and is gone, or is another one, is an error, and so is a
    password that does not open it.
  - With O(state=taken) a snapshot is taken while the services go on. Databases are copied by SQLite's own backup. Then snapshots go that the retention does not
    keep, and the repository is checked.
requirements:
  - restic 0.12 or newer
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
    details: With O(state=taken) it says that a snapshot would be taken.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Each snapshot is a new one.
options:
  settings:
    description: The file with the settings of backups, on the host.
    type: path
    required: true
  state:
    description: Whether the repository is to be there, or a snapshot is to be taken.
    type: str
    choices: [ready, taken]
    default: taken
seealso:
  - module: hearth.llm.backup_restore
"""

EXAMPLES = r"""
- name: Take a backup before something is tried
  hearth.llm.backup_snapshot:
    settings: /var/lib/hearth/backup/config/backup/current/settings.json
"""

RETURN = r"""
snapshot:
  description: The snapshot.
  type: str
  returned: with O(state=taken), unless in check mode
  sample: 8a2f0c1d9b7e
counted:
  description: Of each service what was counted in the copy, its files and their bytes.
  type: dict
  returned: with O(state=taken), unless in check mode
  sample: {open_webui: {users: 3, chats: 120, documents: 14, files: 31, bytes: 8123456}}
words:
  description: The same as a text.
  type: str
  returned: with O(state=taken), unless in check mode
  sample: "open_webui: 3 users, 120 chats, 14 documents, 31 files, 8123456 bytes"
bytes_added:
  description: What the snapshot has added to the repository.
  type: int
  returned: with O(state=taken), unless in check mode
snapshots:
  description: How many snapshots of this host there are now.
  type: int
  returned: with O(state=taken), unless in check mode
controller:
  description: The snapshot of what the controller has sent, encrypted. Empty where it has sent nothing.
  type: str
  returned: with O(state=taken), unless in check mode
seconds:
  description: How long it took.
  type: float
  returned: with O(state=taken), unless in check mode
"""

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._backup import settings, snapshot
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


def argument_spec() -> dict[str, Any]:
    return {
        "settings": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["ready", "taken"], "default": "taken"},
    }


def run(path: str, state: str, *, check_mode: bool) -> dict[str, Any]:
    told = settings.read(path)
    if state == "taken":
        return {"changed": True, **({} if check_mode else snapshot.take(told))}
    made = snapshot.is_made(told)
    if not made and not check_mode:
        snapshot.make(told)
    return {"changed": not made}


def main() -> None:
    run_module(
        lambda module: run(module.params["settings"], module.params["state"], check_mode=module.check_mode),
        argument_spec(),
    )


if __name__ == "__main__":
    main()
