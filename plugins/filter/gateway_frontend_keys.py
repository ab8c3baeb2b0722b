# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API keys of the frontends, each of which asks for many users."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_frontend_keys
short_description: The API keys of the frontends
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Gives a key for each of the frontends, named like it.
  - A frontend asks for many users with one key, and each of them is to be served like a user who has a key of his own. A frontend that says for whom it
    asks may do so (C(names_users)). One that does not counts as many as there are users (C(weight)).
positional: users
options:
  _input:
    description: The frontends, C(hearth_frontends).
    type: dict
    required: true
  users:
    description: Their users, C(hearth_users).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which keys frontends have
  ansible.builtin.debug:
    msg: "{{ {'open_webui': {}} | hearth.llm.gateway_frontend_keys([{'name': 'alice'}]) }}"
"""

RETURN = r"""
_value:
  description: Keys, as C(gateway_api_keys) takes them.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _description
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends


def gateway_frontend_keys(described: Mapping[str, Any], users: Sequence[Any]) -> list[dict[str, Any]]:
    known = frontends()
    weight = max(1, len(_description.users(users)))
    return [
        {"name": name, "weight": weight, "names_users": bool(known[name].user_header) if name in known else False}
        for name in described
    ]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_frontend_keys": gateway_frontend_keys}
