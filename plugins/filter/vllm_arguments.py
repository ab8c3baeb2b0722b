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
    description: The options, as P(hearth.llm.vllm_options#filter) makes them.
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

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import Option
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists


def vllm_arguments(options: Mapping[str, Any], build: str) -> list[str]:
    known = lists.find("vllm", build)
    return [
        word
        for name, value in sorted(options.items())
        for word in _words(name, value, known.by_name.get(name) if known else None)
    ]


def _words(name: str, value: Any, option: Option | None) -> Iterator[str]:
    dashes = "-" if option and len(name) <= 3 and name != option.names[0] else "--"
    if isinstance(value, bool):
        if value:
            yield f"{dashes}{name}"
        elif option is None or option.negations:
            yield f"--no-{option.names[0] if option else name}"
        return
    yield f"{dashes}{name}"
    if isinstance(value, Mapping) or (option and option.kind == "json" and isinstance(value, list)):
        yield json.dumps(value, sort_keys=True)
    elif isinstance(value, list):
        yield from map(str, value)
    else:
        yield str(value)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_arguments": vllm_arguments}
