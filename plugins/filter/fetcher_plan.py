# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service is told that fetches models on their first request."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fetcher_plan
short_description: What the service is told that fetches models on their first request
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes the one description of all models, and what the role P(hearth.llm.models#role) has looked up, and says what may be fetched later.
positional: lock
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  lock:
    description: What each source is, as M(hearth.llm.model) returns it.
    type: dict
    required: true
  runtime:
    description: How the engines are run.
    type: str
    choices: [docker, process]
    required: true
  directory:
    description: What everything of hearth on the host lies below.
    type: path
    required: true
  load_timeout_seconds:
    description: How long an engine may take until it answers with a model that was fetched.
    type: int
    required: true
  endpoint:
    description: The hub's address, where it is not the usual one.
    type: str
    default: ''
  loaded_models_max:
    description: How many models an engine that serves several of them may have loaded at the same time. V(0) is all.
    type: int
    default: 0
  budget:
    description: What all models may take on the disk, a number of bytes or a size such as V(40G). Empty, as much as there is.
    type: raw
    default: ''
"""

EXAMPLES = r"""
- name: Show what is fetched on its first request
  ansible.builtin.debug:
    msg: "{{ (hearth_models | hearth.llm.fetcher_plan({}, runtime='process', directory='/srv/hearth', load_timeout_seconds=300)).models.keys() }}"
"""

RETURN = r"""
_value:
  description: >-
    C(models), for each served name what the service has to know of it; C(unlocked), the names of those that nothing has been looked up of;
    C(budget_bytes), V(0) without a budget; C(places), how many of these models an engine that serves several may have loaded, V(0) for all;
    C(is_crowded), whether those with C(load=startup) leave none of these places.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._fetcher_plan import fetcher_plan


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fetcher_plan": fetcher_plan}
