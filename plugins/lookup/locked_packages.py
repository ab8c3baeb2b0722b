# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages by what the lock says of them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: locked_packages
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives packages with their locked versions
description:
  - Gives packages as they are named, and with C(hearth_locked) those of Docker, NVIDIA's driver and the toolkit for containers as V(name=version), with the
    version that the lock of the inventory has of this host.
  - It is an error where the lock does not have one of these. Other packages, and those that name a version already, stay as they are.
options:
  _terms:
    description: Names of packages.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be installed
  ansible.builtin.debug:
    msg: "{{ query('hearth.llm.locked_packages', 'docker.io', 'python3-requests') }}"
"""

RETURN = r"""
_raw:
  description: The packages, in the order of the terms.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.place import is_locked, place
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.refusals import package_as_locked


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        known, names = variables or {}, [str(term) for term in terms]
        if not is_locked(known, self._templar.template):
            return names
        try:
            path, host = place(known, self._templar.template), str(known.get("inventory_hostname"))
            return [package_as_locked(name, host, path) for name in names]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from None
