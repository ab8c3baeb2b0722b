# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM's options as the words of its command line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_arguments
short_description: Options of vLLM as the words of its command line
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - A true flag is C(--name), a false one C(--no-name), or nothing where this build's flag has no contrary.
  - Objects are written as JSON, lists as several words.
positional: build
options:
  _input:
    description: The options, as P(hearth.llm.engine_plan#filter) makes them.
    type: dict
    required: true
  build:
    description: The reference of the image, which says which build it is.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the words
  ansible.builtin.debug:
    msg: "{{ {'max-model-len': 8192, 'enable-prefix-caching': false} | hearth.llm.vllm_arguments('docker.io/vllm/vllm-openai:v0.32.0') }}"
"""

RETURN = r"""
_value:
  description: The words, in the order of the options' names.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists


def vllm_arguments(options: Mapping[str, Any], build: str) -> list[str]:
    return engines()["vllm"].arguments(options, lists.find("vllm", build))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_arguments": vllm_arguments}
