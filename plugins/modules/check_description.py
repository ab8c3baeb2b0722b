#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one description, judged on the controller before anything is done. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_description
short_description: Judge the one description, on the controller, before anything is done
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads every C(hearth_*) variable of the host, and fails with all that is wrong with them at once, one sentence each with the variable, the path,
    the value and what to write instead.
  - Finds misspelled variables and keys, values of another type, unit or range, names that lead nowhere, duplicates, contradictions, and a
    description without models.
  - Connects to nothing, and changes nothing. Secrets are in no finding.
options:
  serves:
    description: Whether the host is to serve models, so that C(hearth_models) has to be described, or the models in the variables of the roles themselves.
    type: bool
    default: true
  values_only:
    description:
      - Whether to look at each value by itself, and not at what the values have to do with each other. For playbooks that take everything away,
        which a key that has ended, or documents that are gone, should not stop.
    type: bool
    default: false
  of_roles:
    description:
      - Whether to tell along what the roles of engines, certificates, gateway and frontends would refuse, such as an option that an engine does not have.
        A role that is run by itself tells its own.
    type: bool
    default: false
extends_documentation_fragment: [hearth.llm.attributes, hearth.llm.attributes.info]
seealso:
  - module: hearth.llm.preflight_info
"""

EXAMPLES = r"""
- name: Check the description
  hearth.llm.check_description:

- name: Check it where no models are needed yet
  hearth.llm.check_description:
    serves: false
"""

RETURN = r"""
msg:
  description: What is wrong, a line for each finding.
  returned: failure
  type: str
"""
