# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags by which the roles of engines, or of frontends, are reached."""

from __future__ import annotations

DOCUMENTATION = r"""
name: room_tags
short_description: The tags by which the roles of the engines, or of the frontends, are reached
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - A playbook that includes the roles of all engines in one task gives that task these tags, and so names none of them. Tags are read before there is a
    host, so this looks at no variable.
options:
  _terms:
    description: V(engines) or V(frontends).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show by which tags engines can be run
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.room_tags', 'engines') }}"
"""

RETURN = r"""
_raw:
  description: >-
    The name of each role; the name with each phase that a role may have, such as C(llama_cpp_run); and C(verify), which all roles have in common.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

# What a role does, in this order. The first and the last only ask.
PHASES = ("validate", "install", "configure", "run", "verify")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        kinds: dict[str, Callable[[], Mapping[str, Any]]] = {"engines": engines, "frontends": frontends}
        for term in terms:
            if term not in kinds:
                raise AnsibleLookupError(f"There are no rooms of the kind {term!r}: use one of {', '.join(kinds)}.")
        names = [name for term in terms for name in kinds[term]()]
        return [*names, *(f"{name}_{phase}" for name in names for phase in PHASES), "verify"]
