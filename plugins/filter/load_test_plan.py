# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the role load_test."""

from __future__ import annotations

DOCUMENTATION = r"""
name: load_test_plan
short_description: What a measurement will ask, judged before it does
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says all that is wrong with how a measurement was described, and what it will ask.
options:
  _input:
    description:
      - C(profile), a name, and C(profiles), all that there are by their names; C(models), served names; C(described), the models of the description.
      - C(key), the API key with C(name) and its limits, C(key_name), the one that was asked for, C(keys), the names of all, C(key_is_made) and
        C(secrets_directory).
      - C(sla), by served name or V(all) the limits; C(prompts), as the profile of M(hearth.llm.load_test) takes them, or empty; C(assistants), as the
        description has them.
      - C(missing), baselines that are not there; C(from), a host or empty, and C(hosts), all there are; C(through).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Stop where something is wrong
  ansible.builtin.assert:
    that: (described | hearth.llm.load_test_plan).findings | length == 0
"""

RETURN = r"""
_value:
  description:
    - C(findings), sentences; C(profile), as M(hearth.llm.load_test) takes it; C(sla), the limits by model; C(lines), what will be asked in words;
      C(longest_seconds), how long it may take.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._load_test.plan import load_test_plan

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"load_test_plan": load_test_plan}
