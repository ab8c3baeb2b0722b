# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lists that the collection carries can judge what an engine is given."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_options_judged
short_description: Whether the options of an engine can be judged without asking it
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says whether there is a list for this very build of the engine that knows of all these options whether the build has them.
  - Where it is not so, M(hearth.llm.engine_options) asks the build itself.
options:
  _input:
    description: For each served name its options, as for P(hearth.llm.engine_option_findings#filter).
    type: dict
    required: true
  engine:
    description: The engine. V(xllamacpp) is llama.cpp in a wheel.
    type: str
    choices: [llama_cpp, xllamacpp, vllm]
    required: true
  build:
    description: The reference of the image, or the requirement that names the wheel.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show whether the image itself has to be asked
  ansible.builtin.debug:
    msg: "{{ not {'chat': {'flash-attn': 'on'}} | hearth.llm.engine_options_judged('vllm', 'docker.io/vllm/vllm-openai:v0.32.0') }}"
"""

RETURN = r"""
_value:
  description: Whether the lists are enough.
  type: bool
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists


def engine_options_judged(places: Mapping[str, Mapping[str, Any]], engine: str, build: str) -> bool:
    known = lists.find(engine, build)
    given = {canonical(name) for options in places.values() for name in options}
    return known is not None and not given & known.unsure


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_options_judged": engine_options_judged}
