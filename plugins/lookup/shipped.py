# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the controller has what this collection ships."""

from __future__ import annotations

DOCUMENTATION = r"""
name: shipped
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives the path of a file that this collection ships
description:
  - Gives the absolute path on the controller, in a clone as well as where the collection was installed. So an inventory that was copied elsewhere finds
    the models that come with the collection.
options:
  _terms:
    description: Paths below C(files) of the collection.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the small model lies
  ansible.builtin.debug:
    msg: "{{ lookup('hearth.llm.shipped', 'models/hearth-mini.gguf') }}"
"""

RETURN = r"""
_raw:
  description: The paths, in the order of the terms.
  type: list
  elements: str
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

FILES = Path(__file__).resolve().parents[2] / "files"


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        return [str(self._path(str(term))) for term in terms]

    def _path(self, name: str) -> Path:
        path = FILES / name
        if not path.exists():
            raise AnsibleLookupError(f"The collection ships no {name}: there is no {path}.")
        return path
