#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys of AnythingLLM, by name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_api_key
short_description: Make and remove API keys of AnythingLLM
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Every key of AnythingLLM may do everything. Give each program one of its own, so that it can be taken away again.
  - No key lists or makes keys, a login does. In multi-user mode the first login of a user makes the server show that user's recovery
    codes, once; they are in RV(recovery_codes).
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  keys:
    description: The keys.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the key.
        type: str
        required: true
      state:
        description: Whether it should be there.
        type: str
        choices: [present, absent]
        default: present
  exclusive:
    description: Whether to remove all keys that are not listed. The key that other modules are given should be among them.
    type: bool
    default: false
  username:
    description: User name of an administrator, in multi-user mode.
    type: str
  password:
    description: Password of O(username) or, in single-user mode, of the server.
    type: str
"""

EXAMPLES = r"""
- name: Make a key for the website
  hearth.llm.anythingllm_api_key:
    api_url: http://127.0.0.1:3001
    password: "{{ lookup('hearth.llm.secret', 'anythingllm/auth_token') }}"
    keys:
      - name: website
  register: keys
  no_log: true
"""

RETURN = r"""
created:
  description: The keys that were made.
  type: list
  elements: str
  returned: success
deleted:
  description: The keys that were removed.
  type: list
  elements: str
  returned: success
api_keys:
  description: The keys that are listed as present and exist, by name. Set C(no_log) on the task.
  type: dict
  returned: success
recovery_codes:
  description: Recovery codes of O(username), where this run has made the server show them. The server does not show them again.
  type: list
  elements: str
  returned: success
requests:
  description: How often the server was asked.
  type: dict
  returned: success
  contains:
    total:
      description: All requests.
      type: int
      returned: success
      sample: 5
    writes:
      description: Those that may change something.
      type: int
      returned: success
      sample: 0
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.api_keys import ApiKeys
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import Session, mode_of, public_settings
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "keys": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "no_log": False,
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            },
        },
        "exclusive": {"type": "bool", "default": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    wanted = {item["name"]: {"name": item["name"]} if item["state"] == "present" else None for item in params["keys"]}
    if len(wanted) < len(params["keys"]):
        raise InputError("keys: a name is there twice. Name each key once.")
    mode = mode_of(public_settings(server))
    session = Session(server, mode, username=params["username"], password=params["password"])
    session.check("Listing API keys")
    kind = ApiKeys(session, [name for name, state in wanted.items() if state])
    outcome = reconcile(kind, wanted, check_mode=check_mode, exclusive=params["exclusive"])
    secrets = {name: kind.secrets[name] for name, state in wanted.items() if state and name in kind.secrets}
    return {**outcome.result(), "api_keys": secrets, "recovery_codes": session.recovery_codes}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
