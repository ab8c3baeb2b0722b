# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether more would be taken away than somebody meant to."""

from __future__ import annotations

DOCUMENTATION = r"""
name: removal_findings
short_description: Whether more would be taken away than was meant
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Compares the names of what is there with those that are described, and says so where more than a share of them would go.
  - One of several may always go. Counted are those that are there, and those that are new.
positional: wanted
options:
  _input:
    description: Names of what is there.
    type: list
    elements: str
    required: true
  wanted:
    description: Names of what is described.
    type: list
    elements: str
    required: true
  what:
    description: What they are, in the plural.
    type: str
    required: true
  percent_max:
    description: The share that may go, in percent. With 100 all may.
    type: int
    required: true
  remedy:
    description: What to set where it is meant, in one clause.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stop before most of the keys are taken away
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: >-
      {{ ['office', 'till'] | hearth.llm.removal_findings(['default'], what='API keys', percent_max=50,
         remedy='set hearth_accept_removals: [api_keys]') }}
"""

RETURN = r"""
_value:
  description: One sentence, or nothing.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond


def removal_findings(
    there: Iterable[str], wanted: Iterable[str], *, what: str, percent_max: Any, remedy: str
) -> list[str]:
    is_there, is_wanted = set(there), set(wanted)
    try:
        going, staying = is_there - is_wanted, is_there & is_wanted
        refuse_beyond(what, going, len(is_there | is_wanted), int(percent_max), remedy, stays=len(staying))
    except InputError as refusal:
        return [refusal.message]
    return []


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"removal_findings": removal_findings}
