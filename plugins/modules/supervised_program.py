#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps one program running under a supervisord of the user's own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_program
short_description: Keep programs running under a supervisor of the user's own
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Describes programs to supervisord, starts supervisord when it does not run, and starts, restarts or signals each program,
    whichever the difference to what runs asks for.
  - Whether a program then works is for a health check to find out. This module does not wait for it.
  - A program that cannot be started does not keep the others from it. The module fails then, and says of each what was done.
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
  state:
    description: Whether the programs run as described, or are stopped and forgotten.
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
  programs:
    description: The programs. Others that supervisord runs stay as they are.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the program.
        type: str
        required: true
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
    directory: "{{ ansible_facts['env']['HOME'] }}/hearth/supervisor"
    bin_directory: "{{ ansible_facts['env']['HOME'] }}/hearth/venv/bin"
    programs:
      - name: gateway
        command: [haproxy, -W, -db, -f, "{{ ansible_facts['env']['HOME'] }}/hearth/haproxy.cfg"]
        log_path: "{{ ansible_facts['env']['HOME'] }}/hearth/gateway.log"

- name: Have it read its files again
  hearth.llm.supervised_program:
    directory: "{{ ansible_facts['env']['HOME'] }}/hearth/supervisor"
    bin_directory: "{{ ansible_facts['env']['HOME'] }}/hearth/venv/bin"
    programs:
      - name: gateway
        command: [haproxy, -W, -db, -f, "{{ ansible_facts['env']['HOME'] }}/hearth/haproxy.cfg"]
        log_path: "{{ ansible_facts['env']['HOME'] }}/hearth/gateway.log"
        signal: USR2
"""

RETURN = r"""
programs:
  description: What was done with each program, in the order of O(programs).
  type: list
  elements: dict
  returned: always
  contains:
    name: {description: Name of the program., type: str, returned: always, sample: gateway}
    action:
      description: What was done with it, or in check mode would be. V(none) where it ran as described.
      type: str
      returned: always
      sample: restarted
    error: {description: "What went wrong, empty where nothing did.", type: str, returned: always}
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._supervisor import ALIVE, Supervisor, quoted, read, write

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    Program = Mapping[str, Any]
    RunCommand = Callable[..., "tuple[int, str, str]"]

HEADER = "; Written by hearth.llm.supervised_program.\n"
START_TIMEOUT = 20.0
# The kernel allows 107 bytes for the path of a Unix socket.
SOCKET_PATH_MAX = 107


@dataclass(frozen=True)
class Result:
    actions: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)


def argument_spec() -> dict[str, Any]:
    program = {
        "name": {"type": "str", "required": True},
        "command": {"type": "list", "elements": "str"},
        "environment": {"type": "dict", "default": {}},
        "working_directory": {"type": "path"},
        "log_path": {"type": "path"},
        "restart": {"type": "bool", "default": False},
        "signal": {"type": "str"},
    }
    return {
        "state": {"choices": ["present", "absent"], "default": "present"},
        "directory": {"type": "path", "required": True},
        "bin_directory": {"type": "path"},
        "programs": {"type": "list", "elements": "dict", "required": True, "options": program},
    }


class Places:
    """Where things lie below supervisord's directory."""

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory)
        self.socket = self.directory / "supervisor.sock"
        self.configuration = self.directory / "supervisord.conf"
        self.programs = self.directory / "conf.d"
        if len(bytes(self.socket)) > SOCKET_PATH_MAX:
            raise HearthError(
                f"{self.socket} is too long for the path of a Unix socket ({SOCKET_PATH_MAX} bytes): use a directory nearer to the root."
            )

    def program(self, name: str) -> Path:
        return self.programs / f"{name}.ini"


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


def description(program: Program, directory: str) -> str:
    environment = ",".join(
        '{}="{}"'.format(name, str(value).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"))
        for name, value in sorted(program["environment"].items())
    )
    return f"""{HEADER}
[program:{program["name"]}]
command={quoted(program["command"])}
directory={program["working_directory"] or directory}
environment={environment}
umask=077
autostart=true
autorestart=true
startsecs=1
startretries=3
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={program["log_path"]}
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


def present(params: dict[str, Any], places: Places, run_command: RunCommand, *, check_mode: bool) -> Result:
    programs: Sequence[Program] = params["programs"]
    check(programs)
    wanted = {places.configuration: configuration(places)}
    wanted.update({places.program(program["name"]): description(program, params["directory"]) for program in programs})
    before = {path: read(path) for path in wanted}
    changed = [path for path in wanted if before[path] != wanted[path]]
    diff = [difference(path, before[path], wanted[path]) for path in changed]
    supervisor = Supervisor(str(places.socket))
    was_answering = supervisor.answers()
    states = supervisor.states() if was_answering else {}
    actions = {
        program["name"]: _needed(
            program, states.get(program["name"], ""), changed=places.program(program["name"]) in changed
        )
        for program in programs
    }
    if check_mode:
        return Result(actions, {}, diff)
    for path in changed:
        write(path, wanted[path])
    if not was_answering:
        start_supervisord(supervisor, params["bin_directory"], places, run_command)
    return Result(actions, carry_out(actions, programs, supervisor), diff)


def check(programs: Sequence[Program]) -> None:
    names = [program["name"] for program in programs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HearthError(f"These programs are described twice: {', '.join(twice)}. Give each a name of its own.")
    for program in programs:
        if not program["command"] or not program["log_path"]:
            raise HearthError(f"The program '{program['name']}' needs a command and a log_path: give both.")


def difference(path: Path, before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after, "before_header": str(path), "after_header": str(path)}


def _needed(program: Program, state: str, *, changed: bool) -> str:
    if state not in ALIVE:
        return "started"
    if changed or program["restart"]:
        return "restarted"
    return "signalled" if program["signal"] else "none"


def carry_out(actions: Mapping[str, str], programs: Sequence[Program], supervisor: Supervisor) -> dict[str, str]:
    """The description on the disk is what is wanted; a run that was cut may have left supervisord behind it. Returns what went wrong, by name."""
    done = supervisor.take_over(actions)
    supervisor.stop(name for name, action in actions.items() if action == "restarted" and name not in done)
    errors = {}
    for program in programs:
        name, action = program["name"], actions[program["name"]]
        try:
            if name in done:
                continue
            if action in ("started", "restarted"):
                supervisor.start(name)
            elif action == "signalled":
                supervisor.signal(name, program["signal"])
        except HearthError as error:
            errors[name] = error.message
    return errors


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
    paths = {program["name"]: places.program(program["name"]) for program in params["programs"]}
    before = {name: read(path) for name, path in paths.items()}
    gone = [name for name in paths if before[name]]
    actions = {name: "removed" if name in gone else "none" for name in paths}
    if gone and not check_mode:
        for name in gone:
            paths[name].unlink()
        supervisor = Supervisor(str(places.socket))
        if supervisor.answers():
            supervisor.take_over(gone)
            if not any(places.programs.iterdir()):
                supervisor.shut_down()
                wait_until(lambda: not places.socket.exists(), f"supervisord at {places.socket} does not end.")
    return Result(actions, {}, [difference(paths[name], before[name], "") for name in gone])


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("bin_directory",))],
        supports_check_mode=True,
    )
    params = module.params
    try:
        places = Places(params["directory"])
        if params["state"] == "present":
            result = present(params, places, module.run_command, check_mode=module.check_mode)
        else:
            result = absent(params, places, check_mode=module.check_mode)
    except HearthError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Is the disk full, or is the path not yours?")
    told = [
        {"name": name, "action": action, "error": result.errors.get(name, "")}
        for name, action in result.actions.items()
    ]
    changed = bool(result.diff) or any(action != "none" for action in result.actions.values())
    if result.errors:
        module.fail_json(msg="\n".join(result.errors.values()), changed=changed, programs=told, diff=result.diff)
    module.exit_json(changed=changed, programs=told, diff=result.diff)


if __name__ == "__main__":
    main()
