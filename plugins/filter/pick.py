# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of each dictionary in a list only some keys, under other names where that is wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pick
short_description: Some keys of each dictionary in a list
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says for each dictionary in a list only what a module is to know of it. A key that a dictionary does not have is left out.
positional: keys
options:
  _input:
    description: The dictionaries.
    type: list
    elements: dict
    required: true
  keys:
    description: The keys to keep, a list of them, or a dictionary of new names and the keys that they stand for.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the names and models of all assistants
  ansible.builtin.debug:
    msg: "{{ assistants | hearth.llm.pick({'workspace': 'name', 'model': 'model'}) }}"
"""

RETURN = r"""
_value:
  description: The dictionaries, with these keys only.
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def pick(items: Iterable[Mapping[str, Any]], keys: Mapping[str, str] | Sequence[str]) -> list[dict[str, Any]]:
    names = keys if isinstance(keys, Mapping) else {key: key for key in keys}
    return [{new: item[old] for new, old in names.items() if old in item} for item in items]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pick": pick}
