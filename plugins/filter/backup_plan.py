# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is told of its backups."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_plan
short_description: What a host is told of its backups
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Turns the inputs of the role P(hearth.llm.backup#role) into the settings that the host's backups read, with what of them cannot work. No secret is among
    them.
options:
  _input:
    description:
      - The inputs without C(backup_), and C(config), the directory of the settings on the host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what cannot work
  ansible.builtin.debug:
    msg: "{{ (inputs | hearth.llm.backup_plan).findings }}"
"""

RETURN = r"""
_value:
  description: C(settings), C(packages), what has to be installed, and C(findings), sentences.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._backup_plan import planned

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_plan": planned}
