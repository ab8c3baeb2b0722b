#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells how far a client comes: to the name, the host, the gateway, the models, the pages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_diagnosis
short_description: Tell how far a client comes
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Goes the way of a client, layer by layer - the name, the connection, the certificate, the gateway, the key, each model, each page - and says of the first
    that is broken what is wrong with it, and what to do. What lies behind it is not asked.
  - Nothing that is broken is a failure of this module.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  url:
    description: Base of the API, such as V(https://llm.example/v1).
    type: str
    required: true
  connect_to:
    description: Connect to this address instead of the one that the name in O(url) leads to, V(address) or V(address:port).
    type: str
  ca_path:
    description: PEM file with the authority that the certificate is verified with. The system's own by default.
    type: path
  api_key:
    description: The key that is sent. Without one, nothing behind the gateway is asked.
    type: str
  models:
    description: The models that are asked for an answer. Of others that the gateway offers it is told how they are.
    type: list
    elements: dict
    default: []
    suboptions:
      model:
        description: Served name.
        type: str
        required: true
      task:
        description: What it is for.
        type: str
        choices: [chat, embedding, rerank]
        default: chat
  pages:
    description: Addresses of pages for people.
    type: list
    elements: str
    default: []
  timeout:
    description: How long each question may take, seconds.
    type: float
    default: 10
seealso:
  - module: hearth.llm.host_diagnosis
  - module: hearth.llm.completion_probe
"""

EXAMPLES = r"""
- name: Tell how far a client comes
  hearth.llm.gateway_diagnosis:
    url: https://llm.example.com/v1
    api_key: "{{ lookup('hearth.llm.secret', 'api_keys/office') }}"
    models: [{model: assistant}]
  register: outside
  delegate_to: localhost
"""

RETURN = r"""
signs:
  description: What was looked at, in the order in which a client meets it.
  type: list
  elements: dict
  returned: success
  contains:
    layer:
      description: Which layer it is, such as C(TLS).
      type: str
      sample: TLS
    subject:
      description: What of it, such as the name of a model.
      type: str
      sample: llm.example.com
    wrong:
      description: What is wrong with it, and what to do. Empty where nothing is.
      type: str
      sample: The certificate that https://llm.example.com/v1 shows has expired. Renew it, and check the clocks of both hosts.
    warning:
      description: What will soon be wrong with it.
      type: str
      sample: ""
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.outside import look
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    model = {
        "model": {"type": "str", "required": True},
        "task": {"type": "str", "choices": ["chat", "embedding", "rerank"], "default": "chat"},
    }
    return {
        "url": {"type": "str", "required": True},
        "connect_to": {"type": "str"},
        "ca_path": {"type": "path"},
        "api_key": {"type": "str", "no_log": True},
        "models": {"type": "list", "elements": "dict", "default": [], "options": model},
        "pages": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "float", "default": 10},
    }


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    way = Way(params["url"], connect_to=params["connect_to"], ca_path=params["ca_path"])
    signs = look(way, params["api_key"], params["models"], params["pages"], params["timeout"])
    return {"signs": [asdict(sign) for sign in signs]}


def main() -> None:
    run_module(lambda module: run(module.params), argument_spec())


if __name__ == "__main__":
    main()
