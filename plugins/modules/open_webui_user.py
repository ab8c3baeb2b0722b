#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may come in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_user
short_description: Manage the users of Open WebUI
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes users. An option of a user that is not given is left as it is.
  - The first administrator of all is never removed or demoted; the server protects him, and so does the module before anything is changed.
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
    details: With O(update_password=always) each run sends the passwords.
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      email:
        description: The address that the user signs in with, and is found by. Nothing is sent to it.
        type: str
        required: true
      name:
        description: What others see. By default, for a new user, the address up to the @.
        type: str
      state:
        description: Whether the user should be there. With the user all chats of his go, too.
        type: str
        choices: [present, absent]
        default: present
      password:
        description: Needed to make a user. Up to 72 bytes.
        type: str
      role:
        description:
          - What the user may do. By default, for a new user, V(user).
          - V(manager) is what other products have, and refused.
        type: str
        choices: [user, manager, admin]
      suspended:
        description: Whether the user is kept out. With V(false) a user who waits to be let in is let in, with O(users[].role) or as V(user).
        type: bool
  update_password:
    description: Whether passwords are sent when users are made, or with each run. The server does not tell whether a password is the same.
    type: str
    choices: [on_create, always]
    default: on_create
  exclusive:
    description: Whether users that are not listed are removed. The first administrator is kept.
    type: bool
    default: false
  removal_percent_max:
    description:
      - How many of the users may be removed by one run, percent, the first administrator not counted. Where it would be more, or all of them, nothing is
        changed and the module fails and says who would go. One of two or more may always go.
      - V(100) accepts whoever goes.
    type: int
    default: 50
seealso:
  - module: hearth.llm.open_webui_group
"""

EXAMPLES = r"""
- name: Let two people in
  hearth.llm.open_webui_user:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    users:
      - email: anna@example.com
        name: Anna
        password: "{{ anna_password }}"
      - email: ben@example.com
        suspended: true
"""

RETURN = r"""
created:
  description: Addresses of the users that were made, or would be.
  returned: success
  type: list
  elements: str
updated:
  description: Addresses of those that were changed, or would be.
  returned: success
  type: list
  elements: str
deleted:
  description: Addresses of those that were removed, or would be.
  returned: success
  type: list
  elements: str
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 2, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.users import PENDING, Users
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "users": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "email": {"type": "str", "required": True},
                "name": {"type": "str"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "password": {"type": "str", "no_log": True},
                "role": {"type": "str", "choices": ["user", "manager", "admin"]},
                "suspended": {"type": "bool"},
            },
        },
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
        "exclusive": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": DEFAULT_PERCENT},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    # The server keeps addresses in small letters.
    items = {item["email"].lower(): item for item in params["users"]}
    if len(items) < len(params["users"]):
        raise InputError(
            f"users: {_twice([item['email'].lower() for item in params['users']])} is there twice; large and small letters are the same in an address. "
            "List each user once."
        )
    kind = Users(
        server,
        People(server, check_mode=check_mode),
        resend=params["update_password"] == "always",
        unlisted=Unlisted(set(items), params["removal_percent_max"]),
    )
    there = kind.read()
    wanted = {
        email: _wanted(email, item, there.get(email)) if item["state"] == "present" else None
        for email, item in items.items()
    }
    outcome = reconcile(
        kind, wanted, check_mode=check_mode, exclusive=params["exclusive"], keep=frozenset({kind.first()})
    )
    return {**outcome.result()}


def _twice(emails: Sequence[str]) -> str:
    return next(email for place, email in enumerate(emails) if email in emails[:place])


def _wanted(email: str, item: Mapping[str, Any], there: State | None) -> State:
    if item["role"] == "manager":
        raise InputError(
            f"{email}: Open WebUI has no managers. Give user or admin, and what more a user may do by hearth.llm.open_webui_group."
        )
    role = item["role"]
    if item["suspended"]:
        role = PENDING
    elif role is None and (there is None or (item["suspended"] is False and there["role"] == PENDING)):
        role = "user"
    return {"name": item["name"], "role": role, "password": item["password"]}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
