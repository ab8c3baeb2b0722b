#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models a gateway offers, asked as a client asks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_info
short_description: Ask a gateway which models it offers
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks for the list of models (C(/v1/models)) with an API key, and gives the names in it.
  - A gateway that does not answer, or refuses the key, is no failure. RV(reason) says why there are no names.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  url:
    description: Base of the API, such as V(https://llm.example/v1).
    type: str
    required: true
  api_key:
    description: The key that is sent.
    type: str
    required: true
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
  - module: hearth.llm.completion_probe
"""

EXAMPLES = r"""
- name: Ask which models a key may use
  hearth.llm.gateway_info:
    url: https://llm.example.com/v1
    api_key: "{{ lookup('hearth.llm.secret', 'api_keys/office') }}"
  register: gateway
  delegate_to: localhost

- name: Show them
  ansible.builtin.debug:
    var: gateway.models
"""

RETURN = r"""
answered:
  description: Whether there was a list.
  type: bool
  returned: success
models:
  description: Served names of the models that the key may use.
  type: list
  elements: str
  returned: success
  sample: [assistant, embedder]
reason:
  description: Why there is no list, a sentence. Empty where there is one.
  type: str
  returned: success
"""

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_report import getter
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "url": {"type": "str", "required": True},
        "api_key": {"type": "str", "required": True, "no_log": True},
        "connect_to": {"type": "str"},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 5},
    }


def run(params: Mapping[str, Any]) -> dict[str, Any]:
    way = Way(params["url"], connect_to=params["connect_to"], ca_path=params["ca_path"])
    try:
        text = getter(way, params["api_key"], params["timeout"])(f"{way.parts.path}/models")
        names = [str(model["id"]) for model in json.loads(text)["data"]]
    except InputError:
        raise
    except HearthError as error:
        return {"answered": False, "models": [], "reason": error.message}
    except (KeyError, TypeError, ValueError):
        reason = f"{way.words} answers in a form that is not known: no list of models came."
        return {"answered": False, "models": [], "reason": reason}
    return {"answered": True, "models": sorted(names), "reason": ""}


def main() -> None:
    run_module(lambda module: run(module.params), argument_spec())


if __name__ == "__main__":
    main()
