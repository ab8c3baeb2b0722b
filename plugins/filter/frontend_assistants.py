# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which assistants a frontend has, and who may use them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: frontend_assistants
short_description: The assistants of a frontend, with their members
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of assistants, C(hearth_assistants), and of users, C(hearth_users), and says what one frontend has of it.
  - An assistant may name its C(members), and a user may name the C(assistants) that are for them. Either is enough. An assistant that names no
    members is for every user who names no assistants.
positional: users, frontend
options:
  _input:
    description: The assistants, C(hearth_assistants).
    type: dict
    required: true
  users:
    description: The users, C(hearth_users).
    type: list
    elements: dict
    required: true
  frontend:
    description: The frontend, as in C(hearth_frontends). An assistant that names C(frontends) is in these only.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the assistants of AnythingLLM
  ansible.builtin.debug:
    msg: "{{ hearth_assistants | hearth.llm.frontend_assistants(hearth_users | default([]), 'anythingllm') }}"
"""

RETURN = r"""
_value:
  description: For each assistant its C(name), its C(members) and what the description says of it, C(documents) too.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._description import Assistant, User
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

Described = Mapping[str, Any]

# Keys that say what this filter says.
_GENERAL = ("frontends", "members")


def frontend_assistants(
    assistants: Mapping[str, Described], users: Sequence[Described], frontend: str
) -> list[dict[str, Any]]:
    present = [user for user in _description.users(users) if user.present]
    known = frontends().get(frontend)
    left_out = (*_GENERAL, *(known.ignores if known else ()))
    return [
        {
            "name": name,
            **{key: value for key, value in assistants[name].items() if key not in left_out},
            "members": [user.name for user in present if _may(user, assistant)],
        }
        for name, assistant in _description.assistants(assistants).items()
        if assistant.frontends is None or frontend in assistant.frontends
    ]


def _may(user: User, assistant: Assistant) -> bool:
    if user.name in (assistant.members or ()) or assistant.name in (user.assistants or ()):
        return True
    return assistant.members is None and user.assistants is None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"frontend_assistants": frontend_assistants}
