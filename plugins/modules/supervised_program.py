#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps one program running under a supervisord of the user's own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_program
short_description: Keep a program running under a supervisor of the user's own
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Describes a program to supervisord, starts supervisord when it does not run, and starts, restarts or signals the program,
    whichever the difference to what runs asks for.
  - Whether the program then works is for a health check to find out. This module does not wait for it.
  - With the last program supervisord ends, too.
requirements:
  - supervisor 4 in O(bin_directory)
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the program.
    type: str
    required: true
  state:
    description: Whether the program runs as described, or is stopped and forgotten.
    type: str
    choices: [present, absent]
    default: present
  directory:
    description: Where supervisord has its configuration, socket, log and process number. It is made when it is missing.
    type: path
    required: true
  bin_directory:
    description: Where C(supervisord) lies. Required for O(state=present).
    type: path
  command:
    description: The program and its arguments. Required for O(state=present).
    type: list
    elements: str
  environment:
    description: What the program finds in its environment beside what supervisord has.
    type: dict
    default: {}
  working_directory:
    description: Where the program starts. O(directory) by default.
    type: path
  log_path:
    description: File that takes what the program says. It is rotated at 5 MB and kept twice. Required for O(state=present).
    type: path
  restart:
    description: Restart the program also where nothing in its description has changed.
    type: bool
    default: false
  signal:
    description: Send this signal to the program, unless it is started or restarted anyway.
    type: str
"""

EXAMPLES = r"""
- name: Run the gateway
  hearth.llm.supervised_program:
    name: gateway
    directory: "{{ ansible_facts['env']['HOME'] }}/hearth/supervisor"
    bin_directory: "{{ ansible_facts['env']['HOME'] }}/hearth/venv/bin"
    command: [haproxy, -W, -db, -f, "{{ ansible_facts['env']['HOME'] }}/hearth/haproxy.cfg"]
    log_path: "{{ ansible_facts['env']['HOME'] }}/hearth/gateway.log"

- name: Have it read its files again
  hearth.llm.supervised_program:
    name: gateway
    directory: "{{ ansible_facts['env']['HOME'] }}/hearth/supervisor"
    bin_directory: "{{ ansible_facts['env']['HOME'] }}/hearth/venv/bin"
    command: [haproxy, -W, -db, -f, "{{ ansible_facts['env']['HOME'] }}/hearth/haproxy.cfg"]
    log_path: "{{ ansible_facts['env']['HOME'] }}/hearth/gateway.log"
    signal: USR2
"""

RETURN = r"""
action:
  description:
    - What was done with the program, or in check mode would be. V(none) where it ran as described.
  type: str
  returned: success
  sample: restarted
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import ALIVE, Supervisor, quoted, read, write

if TYPE_CHECKING:
    from typing import Callable

    RunCommand = Callable[..., "tuple[int, str, str]"]

HEADER = "; Written by hearth.llm.supervised_program.\n"
START_TIMEOUT = 20.0
# The kernel allows 107 bytes for the path of a Unix socket.
SOCKET_PATH_MAX = 107


@dataclass(frozen=True)
class Result:
    action: str
    diff: list[dict[str, str]] = field(default_factory=list)


def argument_spec() -> dict[str, Any]:
    return {
        "name": {"type": "str", "required": True},
        "state": {"choices": ["present", "absent"], "default": "present"},
        "directory": {"type": "path", "required": True},
        "bin_directory": {"type": "path"},
        "command": {"type": "list", "elements": "str"},
        "environment": {"type": "dict", "default": {}},
        "working_directory": {"type": "path"},
        "log_path": {"type": "path"},
        "restart": {"type": "bool", "default": False},
        "signal": {"type": "str"},
    }


class Places:
    """Where things lie below supervisord's directory."""

    def __init__(self, directory: str, name: str) -> None:
        self.directory = Path(directory)
        self.socket = self.directory / "supervisor.sock"
        self.configuration = self.directory / "supervisord.conf"
        self.programs = self.directory / "conf.d"
        self.program = self.programs / f"{name}.ini"
        if len(bytes(self.socket)) > SOCKET_PATH_MAX:
            raise HearthError(
                f"{self.socket} is too long for the path of a Unix socket ({SOCKET_PATH_MAX} bytes): use a directory nearer to the root."
            )


def configuration(places: Places) -> str:
    return f"""{HEADER}
[unix_http_server]
file={places.socket}
chmod=0700

[supervisord]
directory={places.directory}
logfile={places.directory}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={places.directory}/supervisord.pid
childlogdir={places.directory}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{places.socket}

[include]
files=conf.d/*.ini
"""


def description(params: dict[str, Any]) -> str:
    environment = ",".join(
        '{}="{}"'.format(name, str(value).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"))
        for name, value in sorted(params["environment"].items())
    )
    return f"""{HEADER}
[program:{params["name"]}]
command={quoted(params["command"])}
directory={params["working_directory"] or params["directory"]}
environment={environment}
umask=077
autostart=true
autorestart=true
startsecs=1
startretries=3
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={params["log_path"]}
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


def present(params: dict[str, Any], places: Places, run_command: RunCommand, *, check_mode: bool) -> Result:
    wanted = {places.configuration: configuration(places), places.program: description(params)}
    before = {path: read(path) for path in wanted}
    changed = [path for path in wanted if before[path] != wanted[path]]
    diff = [
        {"before": before[path], "after": wanted[path], "before_header": str(path), "after_header": str(path)}
        for path in changed
    ]
    supervisor = Supervisor(str(places.socket))
    was_answering = supervisor.answers()
    state = supervisor.state(params["name"]) if was_answering else ""
    action = _needed(params, state, changed=places.program in changed)
    if not check_mode:
        for path in changed:
            write(path, wanted[path])
        if not was_answering:
            start_supervisord(supervisor, params["bin_directory"], places, run_command)
        carry_out(action, params, supervisor)
    return Result(action, diff)


def _needed(params: dict[str, Any], state: str, *, changed: bool) -> str:
    if state not in ALIVE:
        return "started"
    if changed or params["restart"]:
        return "restarted"
    return "signalled" if params["signal"] else "none"


def carry_out(action: str, params: dict[str, Any], supervisor: Supervisor) -> None:
    """The description on the disk is what is wanted; a run that was cut may have left supervisord behind it."""
    name = params["name"]
    if supervisor.take_over(name):
        return
    if action == "started":
        supervisor.start(name)
    elif action == "restarted":
        supervisor.restart(name)
    elif action == "signalled":
        supervisor.signal(name, params["signal"])


def start_supervisord(supervisor: Supervisor, bin_directory: str, places: Places, run_command: RunCommand) -> None:
    program = str(Path(bin_directory) / "supervisord")
    code, out, err = run_command([program, "--configuration", str(places.configuration)])
    if code != 0:
        raise HearthError(f"{program} does not start (exit status {code}): {(err or out).strip()}")
    wait_until(
        supervisor.answers, f"supervisord was started and does not answer; see {places.directory}/supervisord.log."
    )


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise HearthError(otherwise)
        time.sleep(0.05)


def absent(params: dict[str, Any], places: Places, *, check_mode: bool) -> Result:
    before = read(places.program)
    if not before:
        return Result("none")
    if not check_mode:
        places.program.unlink()
        supervisor = Supervisor(str(places.socket))
        if supervisor.answers():
            supervisor.take_over(params["name"])
            if not any(places.programs.iterdir()):
                supervisor.shut_down()
                wait_until(lambda: not places.socket.exists(), f"supervisord at {places.socket} does not end.")
    diff = {"before": before, "after": "", "before_header": str(places.program), "after_header": str(places.program)}
    return Result("removed", [diff])


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("bin_directory", "command", "log_path"))],
        supports_check_mode=True,
    )
    params = module.params
    try:
        places = Places(params["directory"], params["name"])
        if params["state"] == "present":
            result = present(params, places, module.run_command, check_mode=module.check_mode)
        else:
            result = absent(params, places, check_mode=module.check_mode)
    except HearthError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Is the disk full, or is the path not yours?")
    changed = result.action != "none" or bool(result.diff)
    module.exit_json(changed=changed, action=result.action, diff=result.diff)


if __name__ == "__main__":
    main()
