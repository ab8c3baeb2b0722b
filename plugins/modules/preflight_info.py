#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect everything that speaks against serving models on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Collect everything that speaks against serving models on a host
version_added: 1.0.0
description:
  - Looks at the operating system, Python, rights, virtualisation, control groups, processor, memory, disk, ports, clock, Docker and
    firewalls, and returns all findings at once.
  - Reads the kernel's own files and asks Docker's socket. Needs no facts, no further program and, where
    O(runtime=process), no root.
  - A finding never makes the module fail. M(ansible.builtin.assert) on RV(verdict) does, or the role P(hearth.llm.preflight#role).
author: hearth.llm contributors (@hearth-llm)
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  runtime:
    description: What will run the services. With V(process), no rights and no services of the system are asked for.
    type: str
    choices: [docker, process]
    default: docker
  systems:
    description: The supported systems, C(ID) of C(/etc/os-release) to a list of its C(VERSION_ID).
    type: dict
    default:
      debian: ["12", "13"]
      ubuntu: ["22.04", "24.04", "26.04"]
  cpu_cores:
    description: How many processor cores are wanted. Fewer are a warning.
    type: int
    default: 1
  cpu_flags:
    description: The supported architectures, each with the flags in C(/proc/cpuinfo) that are wanted. A missing flag is a warning.
    type: dict
    default:
      x86_64: [avx2]
      aarch64: [asimd]
  memory_bytes:
    description: How much memory is wanted, in bytes. Less in total is an error, less that is free a notice.
    type: int
    default: 0
  disk:
    description:
      - Which space is wanted where. What lies on the same file system is added up.
      - Files that lie below the paths already count as space, so that a second run asks for nothing new.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the space is wanted. The directory need not exist yet.
        type: path
        required: true
      bytes:
        description: How much, in bytes.
        type: int
        required: true
  ports:
    description: TCP ports that have to be free, or held by our own services.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The number of the port.
        type: int
        required: true
      address:
        description: The address to listen on.
        type: str
        default: 0.0.0.0
      purpose:
        description: Whose port it is, for the message.
        type: str
        default: ''
      variable:
        description: The variable that says the port, for the message.
        type: str
        default: ''
  directory:
    description:
      - A port is ours if the process that holds it runs from below this directory, or names a file below it on its command line, or if
        the container that publishes it mounts something from below it.
    type: path
  controller_time:
    description: The controller's time, in seconds since 1970. Absent, the clocks are not compared.
    type: float
  clock_skew_seconds:
    description: How far the clocks may be apart, in seconds. It includes the time that the connection takes.
    type: int
    default: 60
seealso:
  - module: hearth.llm.docker_daemon_config
"""

EXAMPLES = r"""
- name: Look whether this host can serve a 20 GB model on port 443
  hearth.llm.preflight_info:
    memory_bytes: 24000000000
    disk:
      - path: /var/lib/hearth
        bytes: 20000000000
    ports:
      - port: 443
        purpose: gateway
    directory: /var/lib/hearth
    controller_time: "{{ now(utc=true).timestamp() }}"
  register: preflight

- name: Show the findings, and stop where one is an error
  ansible.builtin.assert:
    that: preflight.verdict != 'error'
    fail_msg: "{{ preflight.report }}"
    success_msg: "{{ preflight.report }}"
"""

RETURN = r"""
verdict:
  description: The gravest severity among the findings.
  returned: success
  type: str
  sample: warning
counts:
  description: Severity to the number of findings, from V(ok) to V(error).
  returned: success
  type: dict
  sample: {ok: 12, notice: 1, warning: 1, error: 0}
findings:
  description: All findings, the gravest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What was looked at, and where there are several, which one.
      returned: always
      type: str
      sample: port:0.0.0.0:443
    severity:
      description: One of V(ok), V(notice), V(warning), V(error).
      returned: always
      type: str
      sample: error
    message:
      description: What was found, and what to do about it.
      returned: always
      type: str
      sample: "0.0.0.0:443 for the gateway is held by nginx (process 812, nginx.service): stop that, or set hearth_port to another port."
    data:
      description: The values behind the message. Which they are depends on RV(findings[].id).
      returned: always
      type: dict
      sample: {address: 0.0.0.0, port: 443, purpose: gateway, held_by: ['nginx (process 812, nginx.service)'], ours: false}
report:
  description: The findings as a table for people, one a line.
  returned: success
  type: str
"""

from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._preflight import capacity, clock, docker, ports, system
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import (
    Finding,
    as_text,
    counts,
    gravest_first,
    verdict,
)
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Port, Space, Wanted

# As programs write addresses that are none.
ADDRESSES = {"*": "0.0.0.0", "localhost": "127.0.0.1"}
CHECKS = (*system.CHECKS, *capacity.CHECKS, *ports.CHECKS, *clock.CHECKS, *docker.CHECKS)


@dataclass(frozen=True)
class Result:
    verdict: str
    counts: dict[str, int]
    findings: list[Finding]
    report: str


def argument_spec() -> dict[str, Any]:
    return {
        "runtime": {"type": "str", "choices": ["docker", "process"], "default": "docker"},
        "systems": {"type": "dict", "default": {"debian": ["12", "13"], "ubuntu": ["22.04", "24.04", "26.04"]}},
        "cpu_cores": {"type": "int", "default": 1},
        "cpu_flags": {"type": "dict", "default": {"x86_64": ["avx2"], "aarch64": ["asimd"]}},
        "memory_bytes": {"type": "int", "default": 0},
        "disk": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"path": {"type": "path", "required": True}, "bytes": {"type": "int", "required": True}},
        },
        "ports": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "port": {"type": "int", "required": True},
                "address": {"type": "str", "default": "0.0.0.0"},
                "purpose": {"type": "str", "default": ""},
                "variable": {"type": "str", "default": ""},
            },
        },
        "directory": {"type": "path"},
        "controller_time": {"type": "float"},
        "clock_skew_seconds": {"type": "int", "default": 60},
    }


def run(params: dict[str, Any], host: Host) -> Result:
    wanted = Wanted(
        **{
            **params,
            "disk": tuple(Space(**entry) for entry in params["disk"]),
            "ports": tuple(
                Port(**{**entry, "address": ADDRESSES.get(entry["address"], entry["address"])})
                for entry in params["ports"]
            ),
            "directory": params["directory"] or "",
        }
    )
    findings = gravest_first(finding for check in CHECKS for finding in check(host, wanted))
    return Result(verdict(findings), counts(findings), findings, as_text("preflight", findings))


def main() -> None:
    run_module(lambda module: asdict(run(module.params, Host())), argument_spec())


if __name__ == "__main__":
    main()
