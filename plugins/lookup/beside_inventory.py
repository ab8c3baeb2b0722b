# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the controller keeps what belongs to an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: beside_inventory
author: hearth.llm contributors (@hearth-llm)
version_added: 1.0.0
short_description: Gives the path of what the controller keeps beside the inventory
description:
  - Gives the absolute path of a file or directory on the controller, the one that O(variable) names, or else the one beside the inventory. Nothing is made.
  - Beside the inventory means in the directory of its source, the one that C(-i) names, or the directory of the file that C(-i) names. With several
    sources in several directories it is the only one of them where the path exists already.
  - It is an error, and says what to do, where there is no such place or none that the next run would find again. These are a list of hosts
    (C(-i host,)), several sources that could each be meant, a directory within an installed collection, a relative path, a place that cannot be written
    to, and the directory of a job of AWX, which is thrown away with it.
options:
  _terms:
    description: The names beside the inventory. Names that begin with a dot are not taken for a part of the inventory.
    type: list
    elements: str
    required: true
  variable:
    description:
      - The variable by which a user says that it is elsewhere. C(~) and environment variables in its value are replaced.
      - The default is C(hearth_secrets_directory) for C(.secrets), C(hearth_models_lock_file) for C(.models.lock.yml), C(hearth_reports_directory) for
        C(.reports), C(hearth_sbom_file) for C(.sbom.cdx.json), C(hearth_monitoring_directory) for C(.monitoring),
        C(hearth_measurements_directory) for C(.measurements), and C(hearth_lock_file) for C(.hearth.lock.yml). Any other name needs one.
    type: str
  refusal:
    description: Give the reason why there is no such place, or an empty text, in the place of the path.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show where the secrets lie
  ansible.builtin.debug:
    msg: "{{ lookup('hearth.llm.beside_inventory', '.secrets') }}"
"""

RETURN = r"""
_raw:
  description: The absolute paths, or the reasons, in the order of the terms.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.plugin_utils._beside_inventory import VARIABLES, place_of


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        answers = []
        for term in map(str, terms):
            variable = self.get_option("variable") or VARIABLES.get(term)
            if variable is None:
                raise AnsibleLookupError(f"{term} has no variable by which it could be elsewhere: give variable.")
            try:
                path = place_of(term, variable, variables or {}, self._templar.template)
            except InputError as error:
                if not self.get_option("refusal"):
                    raise AnsibleLookupError(str(error)) from None
                answers.append(str(error))
            else:
                answers.append("" if self.get_option("refusal") else str(path))
        return answers
