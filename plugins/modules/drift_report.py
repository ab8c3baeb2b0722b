#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning and the end of a dry run that is written down. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_report
short_description: Begin and end a dry run that is written down
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - With O(state=began) all that the run would change from here on is written down by P(hearth.llm.drift#callback), which has to be enabled. The reports,
    C(drift.json), C(drift.prom) and C(drift.html), are written at the end of the run, however it ends.
  - With O(state=told) fails where something would be changed, or a host could not be looked at, and names it.
  - Runs on the controller, and connects to nothing. A run that is no dry run is refused.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
    details: There is no other mode.
  diff_mode:
    support: N/A
    details: No host is changed.
  idempotent:
    support: full
options:
  state:
    description: Whether the run begins or ends.
    type: str
    choices: [began, told]
    required: true
  directory:
    description: The directory of the reports, on the controller. It is made when it is missing.
    type: path
    required: true
seealso:
  - plugin: hearth.llm.drift
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Write down what would be changed
  hearth.llm.drift_report:
    state: began
    directory: "{{ inventory_dir }}/.reports/drift"

- name: Fail where something would be changed
  hearth.llm.drift_report:
    state: told
    directory: "{{ inventory_dir }}/.reports/drift"
"""

RETURN = r"""
directory:
  description: The directory of the reports.
  type: str
  returned: always
  sample: /home/me/inventory/.reports/drift
state:
  description: The O(state).
  type: str
  returned: always
  sample: began
hosts:
  description: Of each host that the run has seen, how it is.
  type: dict
  returned: with O(state=told)
  sample: {gpu1: {state: drifted, ended_by: "", findings: [{task: Install the packages, item: "", module: ansible.builtin.apt, difference: ""}]}}
"""
