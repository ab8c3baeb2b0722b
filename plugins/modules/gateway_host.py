#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a gateway send requests to other hosts than one that is about to be changed, and waits until that has none."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_host
short_description: Leave a host out of what a gateway shares among several, or take it in again
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Runs on the gateway's host. A mark in O(directory) tells the gateway to send no more requests to the host; those that the host has go on.
  - What no other host serves stays where it is, and is not waited for.
  - A mark counts for an hour, so that a run that was killed leaves nobody out for ever.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
    details: In check mode no mark is made or taken away, and nothing is waited for.
  diff_mode:
    support: N/A
    details: A mark has no content.
  idempotent:
    support: full
    details: A mark is there for as long as a run is at work, so that it counts for no change.
options:
  directory:
    description: Where the gateway looks for marks. Where it is not there, the gateway shares nothing out.
    type: path
    required: true
  host:
    description: The mark of the host, as the filter P(hearth.llm.sharing_gateways#filter) says it.
    type: str
    required: true
  metrics_url:
    description: Where the gateway tells its figures.
    type: str
    default: http://127.0.0.1:8404/metrics
  timeout:
    description:
      - How long the requests of the host may take to end, and then how long it may take until it gets some again, seconds. V(0) waits for nothing.
      - Where the gateway has nobody else for a model, because another host is being changed or is down, that is waited for as long, too.
    type: int
    default: 120
  models:
    description: What the host serves as it is now, by what the gateway calls it. With O(state=used) these are waited for.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(left) leaves the host out and waits until it has no requests. Those that take longer are left to what comes.
      - V(taken) takes it in again. V(used) does so, and fails where the gateway finds it not fit for requests.
    type: str
    choices: [left, taken, used]
    required: true
"""

EXAMPLES = r"""
- name: Have requests go to other hosts
  hearth.llm.gateway_host:
    directory: /var/lib/hearth/run/leaving
    host: gpu1
    state: left
  delegate_to: gateway.example.com
"""

RETURN = r"""
requests:
  description: How many requests the host still had when it was not waited for any longer.
  type: int
  returned: always
  sample: 0
waited_seconds:
  description: How long it took.
  type: float
  returned: always
  sample: 3.2
"""

import http.client
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Callable, Mapping

# The gateway looks for marks more often, and has asked the host's engines once more by then.
SETTLED = 2.0
PAUSE = 0.5
MARK_SECONDS = 3600
# What asks engines what they do, and no model, has a colon in its name.
_FIGURE = re.compile(
    r'^haproxy_server_(\w+)\{proxy="([^":]+)",server="([^"]+)"(?:,state="(\w+)")?\} (\d+)', re.MULTILINE
)


def argument_spec() -> dict[str, Any]:
    return {
        "directory": {"type": "path", "required": True},
        "host": {"type": "str", "required": True},
        "metrics_url": {"type": "str", "default": "http://127.0.0.1:8404/metrics"},
        "timeout": {"type": "int", "default": 120},
        "models": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["left", "taken", "used"], "required": True},
    }


def run(params: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    directory = Path(params["directory"])
    mark = directory / params["host"]
    begun, left = time.monotonic(), 0
    if check_mode or not directory.is_dir():
        pass
    elif params["state"] == "left":
        mark.write_text(f"{int(time.time()) + MARK_SECONDS}\n")
        # Who reads it is another user.
        mark.chmod(0o644)
        left = wait(params, lambda servers: servers.awaited)
    else:
        if mark.exists():
            mark.unlink()
        if params["state"] == "used":
            missing = wait(params, lambda servers: servers.unfit(params["models"]))
            if missing:
                raise HearthError(
                    f"The gateway sends {params['host']} no requests for {', '.join(missing)}, {params['timeout']} seconds after it was changed: its engine "
                    "does not answer there, or could not load the model, which GET /status tells. Other hosts have been left as they are. Where the engine is "
                    "reached otherwise from now on, which the gateway has not been told yet, run it with -e deploy_engines_leaving_seconds=0."
                )
    return {"changed": False, "requests": left, "waited_seconds": round(time.monotonic() - begun, 1)}


def wait(params: Mapping[str, Any], find: Callable[[Servers], Any]) -> Any:
    """What is still found when there is no more time. A gateway that says nothing has nothing."""
    begun, found = time.monotonic(), None
    while params["timeout"]:
        time.sleep(PAUSE if found is not None else SETTLED)
        found = find(Servers(figures(params["metrics_url"]), params["host"]))
        if not found or time.monotonic() - begun > params["timeout"]:
            break
    return found or 0


class Servers:
    """What the gateway says of the servers of a host that others serve beside, by backend and server: their state, and how many requests each has."""

    def __init__(self, text: str, host: str) -> None:
        own = re.compile(rf"{re.escape(host)}(?:\.\d+)?\Z")
        states: dict[tuple[str, str], str] = {}
        current: dict[tuple[str, str], int] = {}
        for figure, backend, server, state, value in _FIGURE.findall(text):
            if figure == "current_sessions":
                current[backend, server] = int(value)
            elif figure == "status" and int(value):
                states[backend, server] = state
        shared = {backend for backend, server in states if not own.match(server)}
        self._states = {place: state for place, state in states.items() if place[0] in shared and own.match(place[1])}
        self._current = current

    @property
    def awaited(self) -> int:
        """Requests under way; and of a server that still gets others, one that may come."""
        return sum(self._current.get(place, 0) or int(state != "MAINT") for place, state in self._states.items())

    def unfit(self, models: list[str]) -> list[str]:
        return sorted(
            {
                model
                for (model, _server), state in self._states.items()
                if model in models and state in ("MAINT", "DOWN")
            }
        )


def figures(url: str) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?scope=server")
        return connection.getresponse().read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
