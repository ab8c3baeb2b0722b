#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of the controller as one encrypted text. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: controller_secrets
short_description: Pack the secrets of the controller for a backup, or unpack them
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - With O(state=packed) all files below O(directory), and O(lock_file) where it is there, become one text, encrypted by O(password) as Ansible Vault does it.
    Who keeps it cannot read it. The same files give the same text.
  - With O(state=unpacked) those that are not there are written, with mode 0600. Where the controller has another text in the place of one, nothing is written
    and it is an error, unless O(replace) is set.
  - Runs on the controller, and connects to nothing. No secret is shown.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The paths of the files that are written.
  idempotent:
    support: full
options:
  state:
    description: What is to be done.
    type: str
    choices: [packed, unpacked]
    required: true
  directory:
    description: The directory of the secrets on the controller.
    type: path
    required: true
  lock_file:
    description: What models were resolved to, a file on the controller.
    type: path
    required: true
  password:
    description: By which the text is encrypted. Whoever has it and the text has all secrets.
    type: str
    required: true
  content:
    description: The text that is unpacked.
    type: str
  replace:
    description: Whether texts of the controller are replaced by those that are unpacked.
    type: bool
    default: false
seealso:
  - module: hearth.llm.secrets
"""

EXAMPLES = r"""
- name: Make one text of all secrets
  hearth.llm.controller_secrets:
    state: packed
    directory: "{{ inventory_dir }}/.secrets"
    lock_file: "{{ inventory_dir }}/.models.lock.yml"
    password: "{{ lookup('hearth.llm.secret', 'backup/controller_password') }}"
  register: packed

- name: Bring back what is missing of them
  hearth.llm.controller_secrets:
    state: unpacked
    directory: "{{ inventory_dir }}/.secrets"
    lock_file: "{{ inventory_dir }}/.models.lock.yml"
    password: "{{ lookup('hearth.llm.secret', 'backup/controller_password') }}"
    content: "{{ packed.content }}"
"""

RETURN = r"""
content:
  description: The text, encrypted.
  type: str
  returned: with O(state=packed)
written:
  description: The paths of the files that were written, or would be in check mode.
  type: list
  elements: str
  returned: with O(state=unpacked)
"""
