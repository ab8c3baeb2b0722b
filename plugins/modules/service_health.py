#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a service is up; says at once, and with its own last words, when it will not come up."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_health
short_description: Wait until a service is up, or say why it is not
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks O(url) until it answers with one of O(status).
  - Between two questions it asks O(liveness_command) whether the service still runs. A service that has ended is not waited for.
  - When the service does not come up, the message carries its own last log lines.
  - In check mode nothing is asked, because nothing was started.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  name:
    description: Name of the service, for messages.
    type: str
    required: true
  url:
    description: What is asked, plain HTTP on this host. Without it, it is enough that the service keeps running for O(settle) seconds.
    type: str
  socket_path:
    description: Ask through this Unix socket; the host in O(url) then only names the service.
    type: path
  status:
    description: HTTP statuses that mean that the service is up.
    type: list
    elements: int
    default: [200]
  timeout:
    description: How long to wait, seconds.
    type: int
    default: 60
  settle:
    description: How long a service without O(url) has to keep running, seconds.
    type: int
    default: 2
  liveness_command:
    description: A command that prints the state of the service.
    type: list
    elements: str
  dead:
    description: A regular expression. When the output of O(liveness_command) matches it, the service is not waited for.
    type: str
    default: "^$"
  log_command:
    description: A command that prints the last log lines of the service.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Wait for the gateway
  hearth.llm.service_health:
    name: gateway
    url: http://127.0.0.1:9101/health
    liveness_command: [docker, inspect, --format, "{{ '{{.State.Status}}' }}", hearth-gateway]
    dead: exited|dead|restarting
    log_command: [docker, logs, --tail, "30", hearth-gateway]
"""

RETURN = r"""
waited_seconds:
  description: How long it took until the service was up.
  type: float
  returned: success, not in check mode
  sample: 1.2
log:
  description: The last log lines of the service.
  type: list
  elements: str
  returned: failure
"""

import http.client
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from typing import Callable

    Run = Callable[[list[str]], str]

QUESTION_TIMEOUT = 5.0
PAUSE = 0.25


def argument_spec() -> dict[str, Any]:
    return {
        "name": {"type": "str", "required": True},
        "url": {"type": "str"},
        "socket_path": {"type": "path"},
        "status": {"type": "list", "elements": "int", "default": [200]},
        "timeout": {"type": "int", "default": 60},
        "settle": {"type": "int", "default": 2},
        "liveness_command": {"type": "list", "elements": "str"},
        "dead": {"type": "str", "default": "^$"},
        "log_command": {"type": "list", "elements": "str"},
    }


def ask(url: str, socket_path: str | None, wanted: list[int]) -> str:
    """Empty when the service answers as wanted, else what came instead."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if socket_path:
        connection = UnixConnection(socket_path, QUESTION_TIMEOUT)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port, timeout=QUESTION_TIMEOUT)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        if answer.status in wanted:
            return ""
        return f"HTTP {answer.status}: {answer.read(300).decode(errors='replace')}"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        connection.close()


def wait(params: dict[str, Any], run: Run) -> float:
    """How long it took, in seconds. Raises when the service has ended or does not answer in time."""
    name, url, begin = params["name"], params["url"], time.monotonic()
    deadline = begin + (params["timeout"] if url else params["settle"])
    last = ""
    while True:
        if url:
            last = ask(url, params["socket_path"], params["status"])
            if not last:
                return time.monotonic() - begin
        state = run(params["liveness_command"]) if params["liveness_command"] else "unknown"
        if re.search(params["dead"], state):
            raise HearthError(f"The service '{name}' does not keep running (its state is: {state or 'not there'}).")
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    if url:
        raise HearthError(f"The service '{name}' did not come up in {params['timeout']} s: {url} gives {last}.")
    return time.monotonic() - begin


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)

    def run(command: list[str]) -> str:
        _code, out, err = module.run_command(command)
        return str(out + err).strip()

    if module.check_mode:
        module.exit_json(changed=False)
    try:
        waited = wait(module.params, run)
    except HearthError as error:
        log = run(module.params["log_command"]).splitlines() if module.params["log_command"] else []
        last_words = "\n".join(["", "Its last log lines:", *log]) if log else ""
        module.fail_json(msg=f"{error}{last_words}", log=log)
    module.exit_json(changed=False, waited_seconds=round(waited, 2))


if __name__ == "__main__":
    main()
