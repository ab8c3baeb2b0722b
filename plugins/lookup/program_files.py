# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of this collection, as files for a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: program_files
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives a program of this collection with all that it imports, as files for a host
description:
  - Some of what the collection's modules do goes on between two runs. Such a program is a room of C(module_utils) with a C(program.py).
  - Gives its files, and those that it imports, as they lie below a directory that is put into E(PYTHONPATH) on the host. There it needs Python 3.8 and
    the standard library.
options:
  _terms:
    description: Names of rooms.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what belongs to the service that fetches models
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.program_files', '_fetcher') | map(attribute='path') }}"
"""

RETURN = r"""
_raw:
  description: Files, each with C(path) and C(content), as the role service takes them.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.plugin_utils._program import program_files


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        return [file for term in terms for file in self._files(str(term))]

    def _files(self, room: str) -> list[dict[str, str]]:
        try:
            return [{"path": path, "content": content} for path, content in sorted(program_files(room).items())]
        except FileNotFoundError as error:
            raise AnsibleLookupError(f"The collection has no program {room}: there is no {error.filename}.") from error
