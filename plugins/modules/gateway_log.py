#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway's own log says of the requests of a measurement. What becomes of it on the controller is the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_log
short_description: Join the requests of a measurement with the gateway's own log
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads on the gateway's host what it has logged of requests with one API key, and writes into the rows of a measurement on the controller how long each
    has waited in the gateway's queue, how long the gateway had it in all, and which engine has answered it. They are joined by X-Request-Id.
  - A row that the log does not know stays as it is, and is counted.
  - Changes nothing on the host.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  raw:
    description: Directory on the controller with C(requests.jsonl) and C(run.json), as M(hearth.llm.load_test) writes them.
    type: path
    required: true
  key_name:
    description: Name of the API key that was used.
    type: str
    required: true
  path:
    description: The log, a file on the host. Those that were rotated beside it are read, too. One of O(path) and O(container).
    type: path
  container:
    description: Name of the gateway's container, whose log Docker has.
    type: str
  since:
    description: Lines before this moment are passed over, seconds since 1970. By default ten minutes before the measurement began, for clocks may differ.
    type: float
    default: 0
seealso:
  - module: hearth.llm.load_test
"""

EXAMPLES = r"""
- name: Join what was measured with the gateway's log
  hearth.llm.gateway_log:
    raw: /srv/evidence/2026-12-01/raw
    key_name: measure
    path: "{{ ('gateway' | hearth.llm.service_place('/var/lib/hearth', 'process')).log }}"
  register: joined
"""

RETURN = r"""
joined:
  description: How many rows the log knows.
  type: int
  returned: success
unknown:
  description: How many rows it does not know, though the gateway has given them an id.
  type: int
  returned: success
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._gateway_log import requests, rotated
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Callable, Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "raw": {"type": "path", "required": True},
        "key_name": {"type": "str", "required": True, "no_log": False},
        "path": {"type": "path"},
        "container": {"type": "str"},
        "since": {"type": "float", "default": 0},
    }


def run(params: Mapping[str, Any], run_command: Callable[[Sequence[str]], tuple[int, str, str]]) -> dict[str, Any]:
    if bool(params["path"]) == bool(params["container"]):
        raise InputError("path and container: give one of them, the file of the gateway's log or its container.")
    since = float(params["since"])
    if params["path"]:
        found = requests(_of_files(params["path"]), params["key_name"], since)
    else:
        words = ["docker", "logs", "--since", f"{since:.0f}", params["container"]]
        status, out, err = run_command(words)
        if status:
            raise HearthError(
                f"{' '.join(words)} failed ({err.strip()[-200:]}): look whether the container runs, or name the gateway's log."
            )
        found = requests((out + err).splitlines(), params["key_name"], since)
    return {"requests": found}


def _of_files(path: str) -> Iterator[str]:
    for name in rotated(path):
        try:
            with Path(name).open(encoding="utf-8", errors="replace") as stream:
                yield from stream
        except FileNotFoundError:
            continue
        except OSError as error:
            raise HearthError(
                f"{name} cannot be read ({error.strerror}): run it as the user of the gateway, or as root."
            ) from error


def _runner(module: HearthModule) -> Callable[[Sequence[str]], tuple[int, str, str]]:
    def told(words: Sequence[str]) -> tuple[int, str, str]:
        try:
            status, out, err = module.run_command(list(words), handle_exceptions=False)
        except OSError as error:
            return 1, "", str(error)
        return status, out, err

    return told


def main() -> None:
    run_module(lambda module: run(module.params, _runner(module)), argument_spec())


if __name__ == "__main__":
    main()
