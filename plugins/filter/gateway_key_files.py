# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy reads of API keys: who each is, what he may do, and which models he may use."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gateway_key_files
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: What HAProxy reads of API keys
description:
  - Writes the maps by which the gateway knows keys. Keys that may use the same models have one grant, which is named after the first of them; routes and
    lists of models are those of grants. A model may be asked for by its served name and by its aliases, and the default one by nothing.
positional: _input
options:
  _input:
    description: The API keys, C(gateway_api_keys).
    type: list
    elements: dict
    required: true
  models:
    description: All served models, as P(hearth.llm.known_models#filter) gives them.
    type: dict
    required: true
  valid:
    description: The hashes of their texts, as P(hearth.llm.gateway_key_hashes#lookup) gives them.
    type: list
    elements: dict
    required: true
  step_ms:
    description: Milliseconds that each request that a key has under way puts its next one back, for a weight of 1.
    type: int
    required: true
  batch_ms:
    description: Milliseconds that requests of batch keys are put back.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show which models each key may use
  ansible.builtin.debug:
    msg: >-
      {{ [{'name': 'office', 'models': ['chat']}] | hearth.llm.gateway_key_files(models=known.models, valid=[], step_ms=7500, batch_ms=30000)
      | selectattr('path', 'equalto', 'routes.map') }}
  vars:
    known:
      models:
        chat: {task: chat, created: 1764424000, context_length: 8192}
        ocr: {task: chat, created: 1764424000, sees: true}
"""

RETURN = r"""
_value:
  description: The files, each with its C(path), and C(content) or C(secret_content).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_key_files import gateway_key_files


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"gateway_key_files": gateway_key_files}
