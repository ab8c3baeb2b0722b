#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge settings into Docker's daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json
version_added: 1.0.0
description:
  - Merges settings into C(daemon.json) and keeps everything that others have written there.
  - Refuses to touch a file that is not valid JSON, and settings that C(dockerd --validate) refuses.
  - Does not restart Docker. RV(restart_needed) says whether somebody must.
author: hearth.llm contributors (@hearth-llm)
extends_documentation_fragment:
  - hearth.llm.attributes
options:
  settings:
    description:
      - The settings, as C(dockerd) names them in C(daemon.json).
      - "With O(state=present) they are merged in as a JSON Merge Patch (RFC 7396): objects are merged, V(null) removes a setting,
        every other value, also a list, replaces the one that is there."
      - With O(state=absent) those are removed that still have the value given here.
    type: dict
    required: true
  state:
    description: Whether the settings should be in the file. With V(absent), a file without any settings is removed.
    type: str
    choices: [present, absent]
    default: present
  path:
    description: The file. A new one gets mode C(0644), an existing one keeps its owner and mode.
    type: path
    default: /etc/docker/daemon.json
  dockerd:
    description:
      - The program that is asked whether the merged settings are valid, a name or a path.
      - Not asked if it is absent or older than version 23.0, which does not know C(--validate). An empty text asks nobody.
    type: str
    default: dockerd
  pid_file:
    description: The file that Docker writes when it starts, to find out whether it has read the settings.
    type: path
    default: /run/docker.pid
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Passwords in URLs are masked.
  idempotent:
    support: full
seealso:
  - module: community.docker.docker_host_info
  - module: hearth.llm.preflight_info
"""

EXAMPLES = r"""
- name: Bind published ports to the loopback address, and let logs not fill the disk
  hearth.llm.docker_daemon_config:
    settings:
      ip: 127.0.0.1
      log-driver: local
      log-opts:
        max-size: 10m
        max-file: "5"
  register: daemon_config
  changed_when: daemon_config.restart_needed
  notify: Restart Docker

- name: Give up a mirror, whatever it was
  hearth.llm.docker_daemon_config:
    settings:
      registry-mirrors: null
"""

RETURN = r"""
config_file:
  description: The file, with links resolved.
  returned: success
  type: str
  sample: /etc/docker/daemon.json
restart_needed:
  description: Whether Docker does not run with these settings yet, because they changed now or after it was started.
  returned: success
  type: bool
validated:
  description: Whether C(dockerd) was asked and found the merged settings valid. V(false) if nothing changes or it could not be asked.
  returned: success
  type: bool
backup_file:
  description: The file as it was before, V(null) if there was none or nothing changed. In check mode, where it would be.
  returned: success
  type: str
  sample: /etc/docker/daemon.json.previous
line:
  description: Where the file is not valid JSON, counted from one.
  returned: when it is not
  type: int
column:
  description: Where in the line, counted from one.
  returned: when the file is not valid JSON
  type: int
"""

import os
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._daemon_json import (
    DaemonJson,
    is_newer_than_docker,
    merged,
    replace,
    validated,
    without,
)
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module


@dataclass(frozen=True)
class Result:
    config_file: str
    changed: bool
    restart_needed: bool
    validated: bool
    backup_file: str | None
    diff: dict[str, str]


def argument_spec() -> dict[str, Any]:
    return {
        "settings": {"type": "dict", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "path": {"type": "path", "default": "/etc/docker/daemon.json"},
        "dockerd": {"type": "str", "default": "dockerd"},
        "pid_file": {"type": "path", "default": "/run/docker.pid"},
    }


def run(params: dict[str, Any], *, check_mode: bool) -> Result:
    path = os.path.realpath(params["path"])
    current = DaemonJson.read(path)
    before = current.settings()
    change = merged if params["state"] == "present" else without
    after = change(before, params["settings"])
    # No settings at all are no file, unless somebody wants the empty one that lies there.
    wanted = current.rendered(after) if after else ""
    changed = after != before
    backup = f"{path}.previous" if changed and current.exists else None
    is_valid = bool(changed and wanted and params["dockerd"]) and validated(params["dockerd"], wanted)
    if changed and not check_mode:
        replace(path, wanted, backup)
    return Result(
        config_file=path,
        changed=changed,
        restart_needed=changed or is_newer_than_docker(path, params["pid_file"]),
        validated=is_valid,
        backup_file=backup,
        diff=_diff(path, current.text, wanted if changed else current.text),
    )


def _diff(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": _masked(before), "after": _masked(after)}


def _masked(text: str) -> str:
    """A proxy's address may carry a password."""
    return re.sub(r'://[^/@"\s]+@', "://********@", text)


def main() -> None:
    run_module(lambda module: vars(run(module.params, check_mode=module.check_mode)), argument_spec())


if __name__ == "__main__":
    main()
