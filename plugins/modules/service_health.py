#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until services are up; says at once, and with its own last words, which one will not come up."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_health
short_description: Wait until services are up, or say why they are not
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks O(services[].url) until it answers with one of O(services[].status), of all services at the same time.
  - Between two questions it asks O(liveness_command) whether the services still run. A service that has ended is not waited for.
  - When services do not come up, the message names each and carries its own last log lines.
  - In check mode nothing is asked, because nothing was started.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  services:
    description: The services.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service, for messages.
        type: str
        required: true
      runs_as:
        description: The name by which O(liveness_command) knows it. O(services[].name) by default.
        type: str
      url:
        description: What is asked, plain HTTP on this host. Without it, it is enough that the service keeps running for O(settle) seconds.
        type: str
      socket_path:
        description: Ask through this Unix socket; the host in O(services[].url) then only names the service.
        type: path
      status:
        description: HTTP statuses that mean that the service is up.
        type: list
        elements: int
        default: [200]
      timeout:
        description: How long to wait, seconds. Where several start at the same time, they wait for each other, and time counts since the last one came up.
        type: int
        default: 60
      log_command:
        description: A command that prints the last log lines of the service.
        type: list
        elements: str
        default: []
  errors:
    description: By name, what is wrong with a service already. It is not waited for, and told with the others.
    type: dict
    default: {}
  settle:
    description: How long a service without O(services[].url) has to keep running, seconds.
    type: int
    default: 2
  liveness_command:
    description: A command that, with names put after it, prints a line for each with the name and its state.
    type: list
    elements: str
    default: []
  dead:
    description: A regular expression. When the state of a service matches it, the service is not waited for.
    type: str
    default: "^$"
"""

EXAMPLES = r"""
- name: Wait for the gateway
  hearth.llm.service_health:
    services:
      - name: gateway
        runs_as: hearth-gateway
        url: http://127.0.0.1:9101/health
        log_command: [docker, logs, --tail, "30", hearth-gateway]
    liveness_command: [docker, inspect, --format, "{{ '{{slice .Name 1}} {{.State.Status}}' }}"]
    dead: exited|dead|restarting
"""

RETURN = r"""
services:
  description: How it went with each service, in the order of O(services).
  type: list
  elements: dict
  returned: always, not in check mode
  contains:
    name: {description: Name of the service., type: str, returned: always, sample: gateway}
    error: {description: "Why it is not up, with its last log lines. Empty where it is.", type: str, returned: always}
    waited_seconds: {description: How long it took., type: float, returned: always, sample: 1.2}
    log: {description: The last log lines of a service that is not up., type: list, elements: str, returned: always}
"""

import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    Service = Mapping[str, Any]
    Run = Callable[[Sequence[str]], str]

QUESTION_TIMEOUT = 5.0
QUESTIONS_AT_ONCE = 16
PAUSE = 0.25


def argument_spec() -> dict[str, Any]:
    service = {
        "name": {"type": "str", "required": True},
        "runs_as": {"type": "str"},
        "url": {"type": "str"},
        "socket_path": {"type": "path"},
        "status": {"type": "list", "elements": "int", "default": [200]},
        "timeout": {"type": "int", "default": 60},
        "log_command": {"type": "list", "elements": "str", "default": []},
    }
    return {
        "services": {"type": "list", "elements": "dict", "required": True, "options": service},
        "errors": {"type": "dict", "default": {}},
        "settle": {"type": "int", "default": 2},
        "liveness_command": {"type": "list", "elements": "str", "default": []},
        "dead": {"type": "str", "default": "^$"},
    }


def ask(service: Service) -> str:
    """Empty when the service answers as wanted, else what came instead."""
    parts = urlsplit(service["url"])
    connection: http.client.HTTPConnection
    if service["socket_path"]:
        connection = UnixConnection(service["socket_path"], QUESTION_TIMEOUT)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port, timeout=QUESTION_TIMEOUT)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        if answer.status in service["status"]:
            return ""
        return f"HTTP {answer.status}: {answer.read(300).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        connection.close()


@dataclass
class Waited:
    """How it went with one service."""

    error: str = ""
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return "\n".join([self.error, "Its last log lines:", *self.log]) if self.log else self.error


def wait(params: Mapping[str, Any], run: Run) -> dict[str, Waited]:
    """How it went with each service, by name: no longer than until all are up, or will not be."""
    begin = progress = time.monotonic()
    waited: dict[str, Waited] = {}
    for name, error in params["errors"].items():
        waited[name] = Waited(str(error))
    pending = [service for service in params["services"] if service["name"] not in waited]
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
        while pending:
            asked = [service for service in pending if service["url"]]
            last = dict(zip([service["name"] for service in asked], pool.map(ask, asked)))
            for name in [name for name, answer in last.items() if not answer]:
                progress = time.monotonic()
                waited[name] = Waited(seconds=progress - begin)
            pending = [service for service in pending if service["name"] not in waited]
            states = _states(pending, params["liveness_command"], run)
            now = time.monotonic()
            for service in pending:
                outcome = _judged(
                    service, states.get(service["name"], "unknown"), last, params, now - begin, now - progress
                )
                if outcome:
                    waited[service["name"]] = outcome
            pending = [service for service in pending if service["name"] not in waited]
            if pending:
                time.sleep(PAUSE)
    return waited


def _judged(
    service: Service,
    state: str,
    last: Mapping[str, str],
    params: Mapping[str, Any],
    since_begin: float,
    since_progress: float,
) -> Waited | None:
    """How it went with a service that has not answered; nothing while it is to be waited for."""
    name, url = service["name"], service["url"]
    if re.search(params["dead"], state):
        return Waited(
            f"The service '{name}' does not keep running (its state is: {state or 'not there'}).", since_begin
        )
    if url and since_progress > service["timeout"]:
        error = f"The service '{name}' did not come up in {service['timeout']} s: {url} gives {last[name]}."
        return Waited(error, since_begin)
    if not url and since_begin > params["settle"]:
        return Waited(seconds=since_begin)
    return None


def _states(services: Sequence[Service], command: Sequence[str], run: Run) -> dict[str, str]:
    """What the command says of each service: the rest of the lines that have its name."""
    if not command or not services:
        return {}
    names = {service["runs_as"] or service["name"]: service["name"] for service in services}
    said = run([*command, *names]).splitlines()
    states = {}
    for runs_as, name in names.items():
        exactly = re.compile(rf"(?<![\w.-]){re.escape(runs_as)}(?![\w.-])")
        lines = [exactly.sub("", line).strip(" :") for line in said if exactly.search(line)]
        if lines:
            states[name] = "; ".join(lines)
        elif not said:
            states[name] = ""
    return states


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)

    def run(command: Sequence[str]) -> str:
        _code, out, err = module.run_command(list(command))
        return str(out + err).strip()

    if module.check_mode:
        module.exit_json(changed=False)
    waited = wait(module.params, run)
    told = []
    for service in module.params["services"]:
        outcome = waited[service["name"]]
        # What has failed before says why itself, and what is logged may be of another time.
        if outcome.error and service["log_command"] and service["name"] not in module.params["errors"]:
            outcome.log = run(service["log_command"]).splitlines()
        seconds = round(outcome.seconds, 2)
        told.append({"name": service["name"], "error": outcome.words, "waited_seconds": seconds, "log": outcome.log})
    errors = [one["error"] for one in told if one["error"]]
    if errors:
        module.fail_json(msg="\n\n".join(errors), services=told)
    module.exit_json(changed=False, services=told)


if __name__ == "__main__":
    main()
