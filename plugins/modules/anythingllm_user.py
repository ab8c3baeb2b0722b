#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of AnythingLLM."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_user
short_description: Describe the users of AnythingLLM
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes users. All of them in one task, in one comparison. The server has to be in multi-user mode.
  - What an item does not name is left alone as it is on the server.
  - Bad names, short passwords, and whatever would leave the server without an administrator are refused before anything is changed.
  - Who may use which workspace M(hearth.llm.anythingllm_workspace) says.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: With O(update_password=always) every run changes something.
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: User name, 2 to 64 of a-z, 0-9, C(.), C(_), C(@) and C(-), beginning with a letter.
        type: str
        required: true
      state:
        description: Whether the user should be there.
        type: str
        choices: [present, absent]
        default: present
      password:
        description: Password, of 8 to 250 characters. A new user needs one.
        type: str
      role:
        description: What the user may do. The server makes a new one V(user), which it calls default.
        type: str
        choices: [user, manager, admin]
      suspended:
        description: Whether the user is locked out.
        type: bool
      daily_message_limit:
        description: How many messages the user may send in 24 hours. V(0) for as many as he likes.
        type: int
  update_password:
    description:
      - V(on_create) sends passwords of new users only.
      - V(always) sends all of them each time, because the server tells nobody whether they are the same.
    type: str
    choices: [on_create, always]
    default: on_create
  exclusive:
    description: Whether to remove all users that are not listed. The last administrator is never removed.
    type: bool
    default: false
  removal_percent_max:
    description: The share of the users that may be removed because nothing names them any more, percent. V(100) for all of them.
    type: int
    default: 50
"""

EXAMPLES = r"""
- name: Make the passwords where there are none
  hearth.llm.secrets:
    variables: [passwords]
  vars:
    passwords: "{{ query('hearth.llm.secret', 'anythingllm/users/alice', 'anythingllm/users/bob') }}"

- name: Describe the users
  hearth.llm.anythingllm_user:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
    users:
      - name: alice
        password: "{{ lookup('hearth.llm.secret', 'anythingllm/users/alice') }}"
        role: manager
      - name: bob
        password: "{{ lookup('hearth.llm.secret', 'anythingllm/users/bob') }}"
        daily_message_limit: 200
      - name: mallory
        state: absent
"""

RETURN = r"""
created:
  description: The users that were made.
  type: list
  elements: str
  returned: success
updated:
  description: The users that were changed.
  type: list
  elements: str
  returned: success
deleted:
  description: The users that were removed.
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

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.users import ROLES, Users
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
        "users": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "password": {"type": "str", "no_log": True},
                "role": {"type": "str", "choices": list(ROLES)},
                "suspended": {"type": "bool"},
                "daily_message_limit": {"type": "int"},
            },
        },
        "update_password": {
            "type": "str",
            "choices": ["on_create", "always"],
            "default": "on_create",
            "no_log": False,
        },
        "exclusive": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": 50},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    wanted = {}
    for item in params["users"]:
        if item["name"] in wanted:
            raise InputError(f"users: {item['name']} is there twice. Name each user once.")
        if (item["daily_message_limit"] or 0) < 0:
            raise InputError(f"users, {item['name']}: a daily_message_limit below 0 is none. Give 0 for no limit.")
        fields = ("password", "role", "suspended", "daily_message_limit")
        wanted[item["name"]] = {name: item[name] for name in fields} if item["state"] == "present" else None
    users = Users(
        server,
        named=wanted,
        removal_percent_max=params["removal_percent_max"],
        resend=params["update_password"] == "always",
    )
    return reconcile(users, wanted, check_mode=check_mode, exclusive=params["exclusive"]).result()


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
