# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine would not take, or would pass over in silence, found before anything is changed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_option_findings
short_description: What is wrong with the options and the environment of an engine
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Compares options with those that this very build of the engine knows, as they were captured from it; the lists lie in C(files/engine_options).
  - Unknown and renamed options, values that an option does not take, options that are given twice, and variables of the environment that nothing reads
    are all found at once. The nearest real name is named.
  - Nothing is found where there is no list for the build. P(hearth.llm.engine_options_judged#filter) says whether there is one.
options:
  _input:
    description: For each served name, or other place that a message is to name, its options; long or short names, with or without dashes.
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
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: >-
      {{ {'chat': {'flash-atn': 'on'}} | hearth.llm.engine_option_findings('llama_cpp', 'ghcr.io/ggml-org/llama.cpp:server-b11176') }}
"""

RETURN = r"""
_value:
  description: The findings, each a sentence that names the place, the option, and what to do.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.check import (
    environment_findings,
    option_findings,
)
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists


def engine_option_findings(
    places: Mapping[str, Mapping[str, Any]],
    engine: str,
    build: str,
    owned: Mapping[str, str] | None = None,
    environment: Mapping[str, Any] | None = None,
    shared: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:
    if engine not in lists.BUILDS:
        raise AnsibleFilterError(f"engine is {engine!r}: use one of {', '.join(lists.BUILDS)}.")
    known = lists.find(engine, str(build))
    if known is None:
        return []
    misnomers = lists.misnomers(engine)
    said: set[str] = set()
    found = []
    for place, given in {**(shared or {}), **places}.items():
        for finding in option_findings(known, given, owned=owned or {}, misnomers=misnomers):
            if finding not in said:
                found.append(f"{place}: {finding}")
            if place in (shared or {}):
                said.add(finding)
    found += [
        f"{place}: {finding}"
        for place, given in places.items()
        for finding in lists.ENGINES[engine].findings_of_values(given)
    ]
    return found + list(environment_findings(known, environment or {}, misnomers=misnomers))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_option_findings": engine_option_findings}
