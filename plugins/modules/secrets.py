#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets on the controller, made where they are missing. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets
short_description: Make the secrets of the controller that are not there yet
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads variables, and makes each file that P(hearth.llm.secret#lookup) asks for in them and that is not there - with random text of the operating
    system's generator, mode 0600, in directories of mode 0700. The lookup itself makes nothing, so this comes before whatever reads the variables.
  - All variables are read before the first file is made. Where one has its value from somewhere else, such as C(!vault) text or another lookup, no file is made
    for it.
  - Many hosts and forks may ask for the same secret at once. It is made once, they all read the one that the first of them made, and only that one reports a
    change.
  - Files are made in directories of this user only, to which nobody else may write.
  - Connects to nothing. No secret is shown.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The paths of the files that are made.
  idempotent:
    support: full
options:
  variables:
    description: Names of variables. Their values, and what these are made of, are read.
    type: list
    elements: str
    required: true
seealso:
  - plugin: hearth.llm.secret
    plugin_type: lookup
  - module: hearth.llm.gateway_keys
"""

EXAMPLES = r"""
- name: Make the key of the application where there is none
  hearth.llm.secrets:
    variables: [application_key]
  vars:
    application_key: "{{ lookup('hearth.llm.secret', 'application/key') }}"

- name: Hand it to the application
  ansible.builtin.copy:
    content: "{{ lookup('hearth.llm.secret', 'application/key') }}"
    dest: /etc/application/key
    owner: root
    group: root
    mode: "0600"
  no_log: true
"""

RETURN = r"""
made:
  description: The paths of the files that were made, or would be in check mode.
  type: list
  elements: str
  returned: success
"""
