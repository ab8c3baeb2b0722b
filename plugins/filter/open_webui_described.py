# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Open WebUI's modules are told of assistants."""

from __future__ import annotations

DOCUMENTATION = r"""
name: open_webui_described
short_description: Assistants as the modules for Open WebUI take them
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes of the one description of assistants the knowledge that M(hearth.llm.open_webui_knowledge) takes, and the models that
    M(hearth.llm.open_webui_model) takes.
  - The documents of an assistant are a knowledge of its name, which goes with the assistant.
positional: chunk_tokens, chunk_overlap_tokens
options:
  _input:
    description: The assistants, as P(hearth.llm.frontend_assistants#filter) gives them.
    type: list
    elements: dict
    required: true
  chunk_tokens:
    description: How long the pieces of documents are where an assistant does not say it, tokens.
    type: int
    required: true
  chunk_overlap_tokens:
    description: How much of a piece the next one repeats where an assistant does not say it, tokens.
    type: int
    required: true
  whole:
    description: Whether the description is the whole truth, so that an assistant without documents has no knowledge.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what would be sent
  ansible.builtin.debug:
    msg: "{{ open_webui_assistants | hearth.llm.open_webui_described(200, 25) }}"
"""

RETURN = r"""
_value:
  description: C(knowledge) and C(models), lists for the two modules.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Assistant = Mapping[str, Any]
_KEPT = ("name", "state", "description", "model", "system_prompt", "temperature", "members")


def open_webui_described(
    assistants: Sequence[Assistant], chunk_tokens: int, chunk_overlap_tokens: int, whole: bool = False
) -> dict[str, list[dict[str, Any]]]:
    return {
        "knowledge": [
            _knowledge(one, int(chunk_tokens), int(chunk_overlap_tokens))
            for one in assistants
            if "documents" in one or not _present(one)
        ],
        "models": [_model(one, whole) for one in assistants],
    }


def _knowledge(assistant: Assistant, tokens: int, overlap: int) -> dict[str, Any]:
    if not _present(assistant):
        return {"name": assistant["name"], "state": "absent"}
    cut = int(assistant.get("chunk_tokens", tokens))
    return {
        "name": assistant["name"],
        **{key: assistant[key] for key in ("description",) if key in assistant},
        "src": assistant["documents"],
        "chunk_tokens": cut,
        "chunk_overlap_tokens": int(assistant.get("chunk_overlap_tokens", min(overlap, cut // 8))),
    }


def _model(assistant: Assistant, whole: bool) -> dict[str, Any]:
    model: dict[str, Any] = {key: assistant[key] for key in _KEPT if key in assistant}
    if not _present(assistant):
        return model
    if "documents" in assistant:
        model["knowledge"] = [assistant["name"]]
    elif whole:
        model["knowledge"] = []
    # An agent is asked with tools, and searches only when it thinks of it.
    model["function_calling"] = "native" if assistant.get("mode") == "automatic" else "legacy"
    return model


def _present(assistant: Assistant) -> bool:
    return bool(assistant.get("state", "present") == "present")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"open_webui_described": open_webui_described}
