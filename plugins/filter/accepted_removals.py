# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds of things may go, or be replaced, in a large part: as a list, however they were written."""

from __future__ import annotations

DOCUMENTATION = r"""
name: accepted_removals
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: The kinds of which much may go, as a list
description:
  - An inventory names them in a list, and C(-e) on a command line gives a text with commas. Both mean the same.
options:
  _input:
    description: The kinds, C(hearth_accept_removals).
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Say whether all models may go
  ansible.builtin.debug:
    msg: "{{ 'models' in 'models, documents' | hearth.llm.accepted_removals }}"
"""

RETURN = r"""
_value:
  description: The kinds, without blanks around them.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._accepted import accepted


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"accepted_removals": accepted}
