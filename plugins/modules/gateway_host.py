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
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
    details: In check mode no mark is made, and nothing is waited for.
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
    description: How long the requests of the host may take to end, seconds. Those that take longer are left to what comes.
    type: int
    default: 120
  state:
    description: V(left) leaves the host out and waits until it has no requests, V(taken) takes it in again.
    type: str
    choices: [left, taken]
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

from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

# The gateway looks for marks more often.
SETTLED = 2.0
PAUSE = 0.5
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
        "state": {"type": "str", "choices": ["left", "taken"], "required": True},
    }


def run(params: Mapping[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    directory = Path(params["directory"])
    mark = directory / params["host"]
    begun, left = time.monotonic(), 0
    if check_mode or not directory.is_dir():
        pass
    elif params["state"] == "left":
        mark.touch()
        # Who reads it is another user.
        mark.chmod(0o644)
        left = wait(params, begun)
    elif mark.exists():
        mark.unlink()
    return {"changed": False, "requests": left, "waited_seconds": round(time.monotonic() - begun, 1)}


def wait(params: Mapping[str, Any], begun: float) -> int:
    """How many requests are left of those that were waited for. A gateway that says nothing has none."""
    time.sleep(SETTLED)
    while True:
        left = requests(figures(params["metrics_url"]), params["host"])
        if not left or time.monotonic() - begun > params["timeout"]:
            return left
        time.sleep(PAUSE)


def requests(text: str, host: str) -> int:
    """Requests under way at servers of the host that get no others."""
    own = re.compile(rf"{re.escape(host)}(?:\.\d+)?\Z")
    current, is_left = {}, set()
    for figure, proxy, server, state, value in _FIGURE.findall(text):
        if not own.match(server):
            continue
        if figure == "current_sessions":
            current[proxy, server] = int(value)
        elif figure == "status" and state == "MAINT" and int(value):
            is_left.add((proxy, server))
    return sum(count for place, count in current.items() if place in is_left)


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
