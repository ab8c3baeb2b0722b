# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model's description means in llama-server's own words."""

from __future__ import annotations

DOCUMENTATION = r"""
name: llama_cpp_options
short_description: The options of llama-server for a served model
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns the description of a served model into llama-server's long flags, without the dashes.
  - llama-server shares its context among its slots, so that C(ctx-size) is C(context_tokens) times C(slots). A model without C(context_tokens) has the
    context that was planned for it, and 4096 tokens where nothing was planned.
  - A model with C(task) V(embedding) embeds texts and nothing else, one with V(rerank) ranks documents. A text, or the question with one document,
    has to fit one batch, so that the batch is as long as the context.
  - A model that sees has a file more, its projector.
  - Which GPUs have its layers is the plan's, unless the options for all models or the model's own name one of these settings themselves.
  - What the engine would show of other people's requests (C(slots)) and its own web pages are off.
positional: defaults
options:
  _input:
    description: The description of a served model, as in C(llama_cpp_models).
    type: dict
    required: true
  defaults:
    description: Options for all models. The model's own C(options) go before them.
    type: dict
    default: {}
  planned:
    description: Options that put the model where M(hearth.llm.fit_plan) planned it. All others go before them.
    type: dict
    default: {}
  contexts:
    description: For each served name the context of each slot that M(hearth.llm.fit_plan) planned, in tokens.
    type: dict
    default: {}
  devices:
    description: For each served name the GPUs that are its own, in llama-server's words, as P(hearth.llm.llama_cpp_gpus#filter) finds them.
    type: dict
    default: {}
  path:
    description: The file that the model begins with.
    type: path
    required: true
  projector:
    description: The file of its projector, for a model that sees pictures.
    type: path
  prompt_cache_mib:
    description: Host memory for caches of prompts, MiB.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show how a model is served
  ansible.builtin.debug:
    msg: "{{ {'name': 'chat', 'slots': 4} | hearth.llm.llama_cpp_options(path='/models/chat.gguf', prompt_cache_mib=512) }}"
"""

RETURN = r"""
_value:
  description: Long flags without the dashes, and their values.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _served_options as served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def llama_cpp_options(
    model: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    *,
    path: str,
    projector: str = "",
    prompt_cache_mib: int,
    planned: Mapping[str, Any] | None = None,
    contexts: Mapping[str, int] | None = None,
    devices: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    name = str(model.get("name", ""))
    context = int((contexts or {}).get(name) or served.context_tokens(model))
    device = {"device": devices[name]} if devices and name in devices else {}
    options = served.llama_cpp(
        model, defaults or {}, context=context, prompt_cache_mib=prompt_cache_mib, planned={**device, **(planned or {})}
    )
    return {"model": path, **({"mmproj": projector} if projector else {}), **options}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"llama_cpp_options": llama_cpp_options}
