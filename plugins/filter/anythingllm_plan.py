# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AnythingLLM can do of a description, in its own numbers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: anythingllm_plan
short_description: Plan windows, pieces of documents and histories of AnythingLLM's assistants
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Counts whether prompt, pieces of documents, question and answer of each assistant fit into the window of its model, in tokens that hold for every
    language, and says what would fit where they do not.
  - Says into how long pieces documents are cut, so that the model that embeds takes each of them, and how many of them are sent at once.
  - Looks into the documents on the controller for their script, because a Japanese text has three times the tokens of an English one.
positional: models
options:
  _input:
    description: The assistants, as P(hearth.llm.frontend_assistants#filter) gives them.
    type: list
    elements: dict
    required: true
  models:
    description: The served models, C(hearth_models).
    type: dict
    required: true
  context_tokens:
    description: The window that AnythingLLM is told, tokens.
    type: int
    required: true
  max_output_tokens:
    description: The longest answer, tokens.
    type: int
    required: true
  embedding_tokens:
    description: The longest text that the model takes that embeds, tokens.
    type: int
    required: true
  request_bytes:
    description: The longest request that the way to the model lets through, bytes.
    type: int
    default: 1048576
  embeds:
    description: Whether there is a model that embeds.
    type: bool
    default: true
  accepted_removals:
    description: Kinds of things of which a large removal is meant, C(hearth_accept_removals).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what would not fit
  ansible.builtin.debug:
    msg: "{{ (assistants | hearth.llm.anythingllm_plan(hearth_models, context_tokens=4096, max_output_tokens=1024, embedding_tokens=2048)).findings }}"
"""

RETURN = r"""
_value:
  description:
    - C(findings), what cannot be, with what could; C(notes), what the server does otherwise than one may think.
    - C(chunk_size) and C(chunk_overlap) of the server, characters; C(chunk_limit), the longest of all pieces; C(chunks_per_request).
    - C(assistants), with C(mode) and, where they have documents, C(chunk_size), C(chunk_overlap), and as C(history) the earlier questions of a chat for
      which the window has room, where they do not say.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._anythingllm_plan import Window, make


def anythingllm_plan(
    assistants: Sequence[Mapping[str, Any]],
    models: Mapping[str, Mapping[str, Any]],
    *,
    context_tokens: int | str,
    max_output_tokens: int | str,
    embedding_tokens: int | str,
    request_bytes: int | str = 1048576,
    embeds: bool = True,
    accepted_removals: Sequence[str] = (),
) -> dict[str, Any]:
    window = Window(int(context_tokens), int(max_output_tokens), int(embedding_tokens))
    return make(
        assistants,
        window,
        request_bytes=int(request_bytes),
        models=models,
        embeds=embeds,
        accepted=accepted_removals,
    )


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"anythingllm_plan": anythingllm_plan}
