# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's description means in vLLM's own words."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_options
short_description: The options of vLLM for a served model
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns the description of a served model into options of C(vllm serve), without the dashes.
  - C(context_tokens) is C(max-model-len), C(slots) is C(max-num-seqs). A model without C(context_tokens) has the context that was planned for it,
    and 4096 tokens where nothing was planned; one without C(slots) has one. All else that the description does not name is vLLM's own choice.
  - C(max_output_tokens) is C(max_new_tokens) of C(override-generation-config), the longest answer that vLLM gives.
  - A model with C(task) V(embedding) or V(rerank) is run by the pooling runner.
positional: defaults
options:
  _input:
    description: The description of a served model, as in C(vllm_models).
    type: dict
    required: true
  defaults:
    description: Options for all models. The model's own C(options) go before them.
    type: dict
    default: {}
  contexts:
    description: For each served name the context that M(hearth.llm.fit_plan) planned, in tokens.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show how a model is served
  ansible.builtin.debug:
    msg: "{{ {'name': 'chat', 'context_tokens': 8192, 'slots': 32} | hearth.llm.vllm_options({'kv-cache-dtype': 'fp8'}) }}"
"""

RETURN = r"""
_value:
  description: Options without the dashes, and their values.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _served_options as served


def vllm_options(
    model: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    *,
    contexts: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    context = int((contexts or {}).get(str(model.get("name", ""))) or served.context_tokens(model))
    return served.vllm(model, defaults or {}, context=context)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_options": vllm_options}
