#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewalls are believed, ports are seen: what a host shows is asked from outside."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exposure_proof
short_description: Prove from outside that a host shows what is declared, and nothing else
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Runs where it is delegated to, best on the controller, and tries every TCP port of a host, over IPv4 and IPv6.
    Exactly the declared ports may answer. What answers elsewhere is named.
  - Asks the door (O(url)) and each of O(sites). Its certificate must be trusted, be for its name and stay valid for a while, plain HTTP must be
    refused or redirected, and nothing older than TLS 1.2 be spoken.
  - Asks for O(closed_paths), also in spellings that lead past careless doors, and for an inference without a key and with a wrong one, which must
    be answered by 401.
  - UDP is not looked at, because a UDP port that says nothing cannot be told from one that is closed.
  - It proves what can be reached from where it runs. A firewall that lets others in has to be asked from where those are.
  - No proxy is used. Nothing is changed; the file O(report_path) is not counted as a change.
  - In check mode it asks, too, but never fails, because what is missing may be what the run would set up; RV(proven) says how it is.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  target:
    description: Name or address of the host.
    type: str
    required: true
  addresses:
    description: The addresses to ask. By default all that the name O(target) has here.
    type: list
    elements: str
  open_ports:
    description: TCP ports that must answer, at one of the addresses at least.
    type: list
    elements: int
    required: true
  tolerated_ports:
    description: TCP ports that may answer, but need not, such as those that are open to some sources only.
    type: list
    elements: int
    default: []
  plain_ports:
    description: Which of the declared ports may talk HTTP without TLS. Of others that is a finding, unless it is a redirect to HTTPS.
    type: list
    elements: int
    default: []
  scan_ports:
    description: TCP ports to try, as numbers and ranges. The declared ports are tried in any case.
    type: list
    elements: str
    default: [1-65535]
  scan_timeout:
    description:
      - How long a port has to answer, seconds. With more than one, a lost packet is sent a second time.
      - Where a firewall drops packets, the whole takes about this long for each O(scan_parallel) ports of each address.
    type: float
    default: 1.3
  scan_parallel:
    description: Ports that are tried at the same time. Less where the limit of open files of the process is lower.
    type: int
    default: 16384
  url:
    description: Base of the API at the door, with C(https://), such as C(https://llm.example.com/v1). Its port must be in O(open_ports).
    type: str
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them, where the module runs.
    type: path
  api_key:
    description: A valid key. With it the closed paths are asked by somebody who may come in, which proves more.
    type: str
  model:
    description: Served name of a model. When it is given, an inference without a key and with a wrong key must be answered by 401.
    type: str
  closed_paths:
    description:
      - Paths that must be closed at the door. A path may have a method before it.
      - Of the first four all spellings are tried. The default names what llama.cpp, vLLM, HAProxy and AnythingLLM have.
    type: list
    elements: str
    default:
      - /slots
      - /metrics
      - /props
      - POST /completion
      - POST /props
      - POST /slots/0?action=erase
      - /health
      - POST /infill
      - POST /embedding
      - POST /embeddings
      - POST /tokenize
      - POST /detokenize
      - POST /apply-template
      - /lora-adapters
      - POST /lora-adapters
      - /models
      - POST /models/load
      - POST /models/unload
      - /load
      - /version
      - /ping
      - /docs
      - /redoc
      - /openapi.json
      - /server_info
      - /is_sleeping
      - POST /sleep
      - POST /wake_up
      - POST /collective_rpc
      - POST /reset_prefix_cache
      - POST /invocations
      - POST /pooling
      - POST /score
      - POST /v1/load_lora_adapter
      - POST /v1/unload_lora_adapter
      - /v1/slots
      - /v1/props
      - /v1/metrics
      - /stats
      - /haproxy?stats
      - /api/env-dump
      - /api/v1/system/env-dump
      - /api/setup-complete
  sites:
    description: Further names at the same host, for frontends, which are asked like the door.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: Where the site is, with C(https://).
        type: str
        required: true
      closed_paths:
        description: See O(closed_paths).
        type: list
        elements: str
        default: [/api/env-dump, /api/v1/system/env-dump, /api/setup-complete, /metrics]
      api_key:
        description: A key to send with each question.
        type: str
  certificate_days:
    description: For how many days certificates must still be valid.
    type: float
    default: 7
  answer_timeout:
    description: How long a server may take to answer a question, seconds.
    type: float
    default: 5
  report_path:
    description: A file where the module runs, to which the result is written as JSON.
    type: path
"""

EXAMPLES = r"""
- name: Prove from the controller that nothing is open but SSH and the door
  hearth.llm.exposure_proof:
    target: llm.example.com
    open_ports: [22, 443]
    url: https://llm.example.com/v1
    ca_path: /home/me/inventory/.secrets/tls/ca.pem
    model: assistant
  delegate_to: localhost

- name: The same for a host that also has two frontends, and keep the result
  hearth.llm.exposure_proof:
    target: llm.example.com
    addresses: [192.0.2.10, "2001:db8::10"]
    open_ports: [22, 443]
    tolerated_ports: [9100]
    url: https://llm.example.com/v1
    model: assistant
    sites:
      - url: https://chat.example.com
      - url: https://workspaces.example.com
        closed_paths: [/api/env-dump, /api/v1/system/env-dump]
    report_path: exposure.json
  delegate_to: localhost
"""

RETURN = r"""
proven:
  description: Whether exactly what is declared answers. False in check mode only.
  type: bool
  returned: success
  sample: true
findings:
  description: What is not as declared.
  type: list
  elements: dict
  returned: always
  contains:
    check:
      description: Which promise is broken. V(port), V(plain_http), V(tls), V(certificate), V(path) or V(key).
      type: str
      sample: port
    where:
      description: The port or the path, and the address.
      type: str
      sample: port 2375 at 192.0.2.10:2375
    found:
      description: What answered.
      type: str
      sample: nobody declared it, and the Docker API, version 1.41 answers (whoever reaches it is root)
    remedy:
      description: What to do.
      type: str
      sample: "Close it now: publish it on 127.0.0.1 only, and load the firewall's rules (role hearth.llm.firewall)"
services:
  description: Address to port to what answers there, in words.
  type: dict
  returned: always
  sample: {"192.0.2.10": {"22": "something that greets with 'SSH-2.0-OpenSSH_9.2'", "443": "a server that speaks TLS"}}
doors:
  description: Each door at each address, C(certificate_days_left) and C(paths_asked), which is false where its certificate did not hold.
  type: list
  elements: dict
  returned: always
  sample: [{"url": "https://llm.example.com/v1", "address": "192.0.2.10", "certificate_days_left": 396.0, "paths_asked": true}]
scan:
  description: How many C(ports) of each address were tried, and how many C(seconds) that took.
  type: dict
  returned: always
  sample: {"ports": 65535, "seconds": 12.4}
table:
  description: All of it as a text.
  type: str
  returned: always
  sample: Exactly what is declared answers.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._exposure.door import Door
from ansible_collections.hearth.llm.plugins.module_utils._exposure.paths import OF_A_DOOR, OF_A_SITE
from ansible_collections.hearth.llm.plugins.module_utils._exposure.proof import Expectation, addresses_of, prove
from ansible_collections.hearth.llm.plugins.module_utils._exposure.report import table
from ansible_collections.hearth.llm.plugins.module_utils._exposure.scan import parse_ports
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    ports: dict[str, Any] = {"type": "list", "elements": "int"}
    paths: dict[str, Any] = {"type": "list", "elements": "str"}
    return {
        "target": {"type": "str", "required": True},
        "addresses": {"type": "list", "elements": "str"},
        "open_ports": {**ports, "required": True},
        "tolerated_ports": {**ports, "default": []},
        "plain_ports": {**ports, "default": []},
        "scan_ports": {"type": "list", "elements": "str", "default": ["1-65535"]},
        "scan_timeout": {"type": "float", "default": 1.3},
        "scan_parallel": {"type": "int", "default": 16384},
        "url": {"type": "str"},
        "ca_path": {"type": "path"},
        "api_key": {"type": "str", "no_log": True},
        "model": {"type": "str"},
        "closed_paths": {**paths, "default": list(OF_A_DOOR)},
        "sites": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "url": {"type": "str", "required": True},
                "closed_paths": {**paths, "default": list(OF_A_SITE)},
                "api_key": {"type": "str", "no_log": True},
            },
        },
        "certificate_days": {"type": "float", "default": 7},
        "answer_timeout": {"type": "float", "default": 5},
        "report_path": {"type": "path"},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What the module returns. HearthError with the same as its details where something is not as declared."""
    expected = _expectation(params)
    ports = sorted({*parse_ports(params["scan_ports"]), *expected.open_ports, *expected.tolerated_ports})
    proof = prove(
        expected,
        ports,
        timeout=params["scan_timeout"],
        parallel=params["scan_parallel"],
        answer_seconds=params["answer_timeout"],
    )
    text = table(proof, params["target"], len(ports))
    result: dict[str, Any] = {
        "findings": [finding.as_dict() for finding in proof.findings],
        "services": proof.services,
        "doors": proof.doors,
        "scan": {"ports": len(ports), "seconds": proof.scan.seconds},
        "table": text,
    }
    if params["report_path"] and not check_mode:
        _write(params["report_path"], {"target": params["target"], "proven": not proof.findings, **result})
    if proof.findings and not check_mode:
        raise HearthError(f"{params['target']} does not show what is declared. {text}", **result)
    return {"proven": not proof.findings, **result}


def _expectation(params: Mapping[str, Any]) -> Expectation:
    for name in ("scan_timeout", "scan_parallel", "answer_timeout"):
        if params[name] <= 0:
            raise InputError(f"{name}: {params[name]} is too little. Give a positive number.")
    doors = []
    if params["url"]:
        doors.append(
            Door(params["url"], params["closed_paths"], params["ca_path"], params["api_key"], params["model"] or "")
        )
    for site in params["sites"]:
        doors.append(Door(site["url"], site["closed_paths"], params["ca_path"], site["api_key"]))
    open_ports = frozenset(params["open_ports"])
    undeclared = sorted({str(door.port) for door in doors if door.port not in open_ports})
    if undeclared:
        raise InputError(f"open_ports: {', '.join(undeclared)} is the port of a door and is not declared. Add it.")
    addresses = params["addresses"] or addresses_of(params["target"])
    return Expectation(
        addresses,
        open_ports,
        frozenset(params["tolerated_ports"]),
        frozenset(params["plain_ports"]),
        doors,
        params["certificate_days"],
    )


def _write(path: str, result: dict[str, Any]) -> None:
    unfinished = Path(f"{path}.new")
    try:
        unfinished.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(
            f"report_path: {path} cannot be written ({error.strerror}). Name a file in a directory that is there."
        ) from error


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
