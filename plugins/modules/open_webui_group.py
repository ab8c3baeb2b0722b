#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who belongs together, and may do what others may not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_group
short_description: Manage the groups of Open WebUI
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes groups. An option of a group that is not given is left as it is.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
    details: Users that are not there yet are believed to be made by the same run.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  groups:
    description: The groups.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the group is called, and found by.
        type: str
        required: true
      state:
        description: Whether it should be there.
        type: str
        choices: [present, absent]
        default: present
      description:
        description: What it is for.
        type: str
      permissions:
        description:
          - What its members may do beside what everybody may, as the server has it, for example C(features.api_keys=true) as a dictionary of a dictionary.
          - What is not named is left as it is; null removes.
        type: dict
      members:
        description: Who is in it, all of them; each by address, or by name where nobody else is called so.
        type: list
        elements: str
  exclusive:
    description: Whether groups that are not listed are removed.
    type: bool
    default: false
  removal_percent_max:
    description:
      - How many of the groups may be removed by one run, percent. Where it would be more, or all of them, nothing is changed and the module fails and
        says which would go. One of two or more may always go.
      - V(100) accepts whatever goes.
    type: int
    default: 50
seealso:
  - module: hearth.llm.open_webui_user
"""

EXAMPLES = r"""
- name: Let the developers have API keys
  hearth.llm.open_webui_group:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    groups:
      - name: developers
        members: [anna@example.com]
        permissions:
          features:
            api_keys: true
"""

RETURN = r"""
created:
  description: Names of the groups that were made, or would be.
  returned: success
  type: list
  elements: str
updated:
  description: Names of those that were changed, or would be.
  returned: success
  type: list
  elements: str
deleted:
  description: Names of those that were removed, or would be.
  returned: success
  type: list
  elements: str
ids:
  description: Ids by name.
  returned: success
  type: dict
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 3, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.groups import Groups
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.overlay import overlay
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "groups": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "description": {"type": "str"},
                "permissions": {"type": "dict"},
                "members": {"type": "list", "elements": "str"},
            },
        },
        "exclusive": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": DEFAULT_PERCENT},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    items = {item["name"]: item for item in params["groups"]}
    if len(items) < len(params["groups"]):
        raise InputError("groups: a name is there twice. List each group once.")
    people = People(server, check_mode=check_mode)
    kind = Groups(server, people, unlisted=Unlisted(set(items), params["removal_percent_max"]))
    there = kind.read()
    wanted = {
        name: _wanted(item, there.get(name, {}), people) if item["state"] == "present" else None
        for name, item in items.items()
    }
    outcome = reconcile(kind, wanted, check_mode=check_mode, exclusive=params["exclusive"])
    return {**outcome.result(), "ids": kind.ids}


def _wanted(item: Mapping[str, Any], there: State, people: People) -> State:
    return {
        "description": item["description"],
        "permissions": None
        if item["permissions"] is None
        else overlay(there.get("permissions", {}), item["permissions"]),
        "members": None if item["members"] is None else people.emails(item["members"]),
    }


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
