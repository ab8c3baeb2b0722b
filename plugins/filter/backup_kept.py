# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services keep on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_kept
short_description: What services keep on a host
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says for backups what the frontends that are described keep, and what else there is on a host.
positional: _input
options:
  _input:
    description: The frontends, as P(hearth.llm.rooms#lookup) says them.
    type: list
    elements: dict
    required: true
  gateway:
    description: Whether the host has a gateway, which keeps what keys have used.
    type: bool
    default: false
  models:
    description: Whether models are taken, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what backups take
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.rooms', 'frontends') | hearth.llm.backup_kept(gateway=true) | map(attribute='title') }}"
"""

RETURN = r"""
_value:
  description: >-
    Of each its C(name), C(title), C(place) below C(hearth_directory), what is not taken (C(without)), what is written in place (C(still)), what is counted
    (C(counts)), and the C(service) that is stopped while it is replaced.
  type: list
  elements: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.plugin_utils._backup_plan import backup_kept

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_kept": backup_kept}
