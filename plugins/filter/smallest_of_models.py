# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A number that has to hold for several models at once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: smallest_of_models
short_description: The smallest number that served models have for a key
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - For frontends that have one setting for all models, as AnythingLLM has for the context.
positional: names, key, fallback
options:
  _input:
    description: The models, C(hearth_models).
    type: dict
    required: true
  names:
    description: Served names of those that are meant. One that is not there is left out.
    type: list
    elements: str
    required: true
  key:
    description: The key, as C(context_tokens).
    type: str
    required: true
  fallback:
    description: What counts for a model that does not say, and where there is none.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show the context that all of them have
  ansible.builtin.debug:
    msg: "{{ hearth_models | hearth.llm.smallest_of_models(['chat', 'code'], 'context_tokens', 4096) }}"
"""

RETURN = r"""
_value:
  description: The number.
  type: int
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def smallest_of_models(
    models: Mapping[str, Mapping[str, Any]], names: Sequence[str], key: str, fallback: int | str
) -> int:
    meant = [models[name] for name in names if name in models]
    return min((int(model.get(key) or fallback) for model in meant), default=int(fallback))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"smallest_of_models": smallest_of_models}
