#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first key of AnythingLLM, without a browser and without a moment in which everybody may have it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_bootstrap
short_description: Make the first API key of AnythingLLM and close its onboarding
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Waits until the server answers, finds or makes an API key, closes the onboarding and, where it is wanted, enables multi-user mode.
  - A server that lets everybody in is refused. It is closed from its first second when its container is started with C(AUTH_TOKEN) and
    C(JWT_SECRET), both of them; with one of them alone it is open, whatever it says.
  - With an O(api_key) that the server knows nobody logs in. The first login of a user of multi-user mode makes the server show that user's
    recovery codes, once; where this module has to log in, they are in RV(recovery_codes).
  - Versions older than 1.12.1 are refused.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
    details: In multi-user mode without a valid O(api_key) nobody logs in, and a change is announced although the key may exist.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  api_key:
    description: A key that was made before. Where the server knows it, no other is looked for. Set C(no_log) on the task.
    type: str
  password:
    description: The server's password, its C(AUTH_TOKEN). Needed until there is a key.
    type: str
  key_name:
    description: Name of the key that is found or made.
    type: str
    default: ansible
  multi_user:
    description: Whether to enable multi-user mode. The server cannot leave it again; V(false) leaves it as it is.
    type: bool
    default: false
  admin:
    description: The first administrator. In multi-user mode, who logs in where there is no valid O(api_key).
    type: dict
    suboptions:
      name:
        description: User name, of a-z, 0-9, C(.), C(_), C(@) and C(-), beginning with a letter.
        type: str
        required: true
      password:
        description: Password, of 8 to 250 characters.
        type: str
        required: true
  allow_open:
    description: Whether a server that lets everybody in is accepted.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait until the server answers, seconds.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Make the passwords where there are none
  hearth.llm.secrets:
    variables: [passwords]
  vars:
    passwords: "{{ query('hearth.llm.secret', 'anythingllm/auth_token', 'anythingllm/admin') }}"

- name: Make the first key
  hearth.llm.anythingllm_bootstrap:
    api_url: http://127.0.0.1:3001
    api_key: "{{ known_key | default(omit) }}"
    password: "{{ lookup('hearth.llm.secret', 'anythingllm/auth_token') }}"
    multi_user: true
    admin:
      name: admin
      password: "{{ lookup('hearth.llm.secret', 'anythingllm/admin') }}"
  register: anythingllm
  no_log: true

- name: Use it
  hearth.llm.anythingllm_info:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key | default(known_key) }}"
"""

RETURN = r"""
api_key:
  description: The key, where it is another one than O(api_key). Set C(no_log) on the task.
  type: str
  returned: when O(api_key) is not valid, except in check mode where it would be made
key_valid:
  description: Whether O(api_key) is valid.
  type: bool
  returned: success
  sample: false
key_made:
  description: Whether the key was made by this run.
  type: bool
  returned: success
  sample: true
mode:
  description: How one gets in. V(open), V(password) or V(multi_user).
  type: str
  returned: success
  sample: multi_user
version:
  description: The server's version. Empty where it does not say.
  type: str
  returned: success
  sample: 1.16.0
recovery_codes:
  description: The administrator's recovery codes, where this run has made the server show them. The server does not show them again.
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

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.bootstrap import Bootstrap
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "password": {"type": "str", "no_log": True},
        "key_name": {"type": "str", "default": "ansible", "no_log": False},
        "multi_user": {"type": "bool", "default": False},
        "admin": {
            "type": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
            },
        },
        "allow_open": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 120},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    result = Bootstrap(server, params, check_mode=check_mode).run()
    result["key_valid"] = result["api_key"] is not None and result["api_key"] == params["api_key"]
    if result["key_valid"] or result["api_key"] is None:
        del result["api_key"]
    return result


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
