# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine would not take, or would pass over in silence, found before anything is changed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_options_check
short_description: What is wrong with the options and the environment of an engine
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Compares options with those that this very build of the engine knows, as they were captured from it; the lists lie in C(files/engine_options).
  - Unknown and renamed options, values that an option does not take, options that are given twice, and variables of the environment that nothing reads
    are all found at once. The nearest real name is named.
  - Where there is no list for the build, or it does not know of an option whether the build has it, M(hearth.llm.engine_options) asks the build itself.
options:
  _input:
    description: For each served name its options, as C(given) of P(hearth.llm.engine_plan#filter); long or short names, with or without dashes.
    type: dict
    required: true
  engine:
    description: The engine. V(xllamacpp) is llama.cpp in a wheel.
    type: str
    choices: [llama_cpp, xllamacpp, vllm]
    required: true
  build:
    description: The reference of the image, or the requirement that names the wheel. It has to name an exact version.
    type: str
    required: true
  owned:
    description: Options that are not for users, each with the reason.
    type: dict
    default: {}
  environment:
    description: Variables of the engine's environment.
    type: dict
    default: {}
  shared:
    description: The options that every place is given besides its own, by the variable that they stand in. What is wrong with them is said of that alone.
    type: dict
    default: {}
seealso:
  - module: hearth.llm.engine_options
"""

EXAMPLES = r"""
- name: Check the options
  ansible.builtin.assert:
    that: options.findings | length == 0
    fail_msg: "{{ options.findings | join(' ') }}"
  vars:
    options: >-
      {{ {'chat': {'flash-atn': 'on'}} | hearth.llm.engine_options_check('llama_cpp', 'ghcr.io/ggml-org/llama.cpp:server-b11176') }}
"""

RETURN = r"""
_value:
  description: >-
    C(findings), each a sentence that names the place, the option, and what to do; C(judged), whether the lists know of all these options whether the
    build has them.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._engine_options_check import check


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_options_check": check}
