# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway tells of its models and hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: known_models
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: What the gateway tells of its models and hosts
description:
  - Puts together what is known of each served model, for C(GET /v1/models) and C(GET /status) of the gateway.
  - What this run does not know stays as it was deployed, and so does the moment from which on a model was served.
positional: _input
options:
  _input:
    description: The backends of models, as P(hearth.llm.gateway_plan#filter) gives them.
    type: dict
    required: true
  contexts:
    description: The context of each slot in tokens, by served name, C(fit_contexts).
    type: dict
    required: true
  facts:
    description: What headers say of models, by served name, C(fit_facts).
    type: dict
    required: true
  hosts:
    description: The hosts, each with C(name), and C(gpus) where they are known.
    type: list
    elements: dict
    required: true
  deployed:
    description: The text that this filter gave, as JSON, when the gateway was last deployed; empty where it was not.
    type: str
    required: true
  now:
    description: Seconds since 1970.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show what is told of a model that was not served before
  ansible.builtin.debug:
    msg: >-
      {{ {'chat': {'served': 'chat', 'addresses': ['llama_cpp:8080'], 'slots': 4}}
      | hearth.llm.known_models(contexts={'chat': 8192}, facts={}, hosts=[{'name': 'gpu1'}], deployed='', now=1764424000) }}
"""

RETURN = r"""
_value:
  description:
    - C(models), by served name what its backend has but for its addresses, with C(id), C(engines), C(task) and C(created), and where they are
      known C(context_length), C(parameters), C(trained_context_tokens) and C(sees).
    - C(hosts), a list, and C(engines), the addresses that are asked what they have loaded, by the backend of the first model that is served
      there, with the number of the instance from the second on.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._known_models import known_models


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"known_models": known_models}
