# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of the host for each model, which stays its own when models come and go."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vllm_ports
short_description: A port of the host for each served model
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Derives a port from each served name, so that a further model does not move the others, whose containers would be made anew.
  - Where two names would have the same port, the later one in the alphabet gets the next that is free.
positional: first, count
options:
  _input:
    description: Served names.
    type: list
    elements: str
    required: true
  first:
    description: The first port that may be taken.
    type: int
    required: true
  count:
    description: How many ports may be taken.
    type: int
    default: 100
"""

EXAMPLES = r"""
- name: Show the ports
  ansible.builtin.debug:
    msg: "{{ ['chat', 'coder'] | hearth.llm.vllm_ports(18100) }}"
"""

RETURN = r"""
_value:
  description: For each served name its port.
  type: dict
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError


def vllm_ports(names: Sequence[str], first: int, count: int = 100) -> dict[str, int]:
    if len(names) > count:
        raise AnsibleFilterError(f"{len(names)} models cannot have a port each among {count}.")
    ports: dict[str, int] = {}
    for name in sorted(names):
        offset = zlib.crc32(name.encode()) % count
        while first + offset in ports.values():
            offset = (offset + 1) % count
        ports[name] = first + offset
    return ports


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vllm_ports": vllm_ports}
