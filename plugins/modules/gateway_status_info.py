#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway says of itself: its models, its slots, its certificate."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_status_info
short_description: Ask a gateway how it and its models are
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks for C(GET /status) with an API key, and looks when the certificate ends.
  - A gateway that does not answer, or refuses the key, is no failure. RV(reason) says why something is not known.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  url:
    description: Base of the API, such as V(https://llm.example/v1).
    type: str
    required: true
  api_key:
    description: The key that is sent. What it may not see is not known; an operator's sees all. Without one only the certificate is looked at.
    type: str
  connect_to:
    description: Connect to this address instead of the one that the name in O(url) leads to, V(address) or V(address:port).
    type: str
  ca_path:
    description: PEM file with the authority that the certificate is verified with. The system's own by default.
    type: path
  timeout:
    description: How long the gateway may keep silent, seconds.
    type: float
    default: 5
seealso:
  - module: hearth.llm.host_status_info
  - module: hearth.llm.gateway_diagnosis
"""

EXAMPLES = r"""
- name: Ask the gateway how it is
  hearth.llm.gateway_status_info:
    url: https://llm.example.com/v1
    api_key: "{{ lookup('hearth.llm.secret', 'api_keys/office') }}"
  register: gateway
  delegate_to: localhost

- name: Show what the models do
  ansible.builtin.debug:
    var: gateway.status.models
"""

RETURN = r"""
is_up:
  description: Whether it can be reached, with a certificate that is valid for its name.
  type: bool
  returned: success
certificate_ends:
  description: When its certificate ends, seconds since 1970. None where there was none.
  type: float
  returned: success
  sample: 1830297599.0
status:
  description: What C(GET /status) answers, as docs/status.md has it. None where it is not known.
  type: dict
  returned: success
reason:
  description: Why something is not known, a sentence. Empty where all is.
  type: str
  returned: success
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way
from ansible_collections.hearth.llm.plugins.module_utils._status.gateway import look

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "url": {"type": "str", "required": True},
        "api_key": {"type": "str", "no_log": True},
        "connect_to": {"type": "str"},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 5},
    }


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    way = Way(params["url"], connect_to=params["connect_to"], ca_path=params["ca_path"])
    return look(way, params["api_key"], params["timeout"])


def main() -> None:
    run_module(lambda module: run(module.params), argument_spec())


if __name__ == "__main__":
    main()
