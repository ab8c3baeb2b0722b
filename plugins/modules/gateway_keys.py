#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys on the controller, made and rotated. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_keys
short_description: Make and rotate the texts of API keys, on the controller
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - The text of an API key lies in C(api_keys/<name>) below O(directory). When its O(keys[].rotation) gets another name, it is replaced, and the old text
    stays valid for O(keys[].overlap_days) from then on. Of the old text only the hash is kept. The same description rotates nothing twice.
  - A text is made beside its place (O(state=prepared)), where P(hearth.llm.gateway_key_hashes#lookup) finds it, and put there once the gateway knows it
    (O(state=present)). Until then a run that fails can take it back (O(state=withdrawn)), and the one after a run that was killed goes on with it.
  - Connects to nothing. No text is shown, and no hash.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The rotation of each key, and since when its text is valid.
  idempotent:
    support: full
options:
  keys:
    description: The keys whose texts are made here.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the key.
        type: str
        required: true
      rotation:
        description: Any name.
        type: str
      overlap_days:
        description: Days that a text which was replaced stays valid.
        type: int
        default: 7
  directory:
    description: The directory of the secrets on the controller.
    type: path
    required: true
  state:
    description:
      - V(prepared) makes the texts that are missing or due.
      - V(present) puts them in their places, and removes those that they replace.
      - V(withdrawn) removes them again.
    type: str
    choices: [prepared, present, withdrawn]
    required: true
seealso:
  - plugin: hearth.llm.gateway_key_hashes
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Make the keys that are missing or due
  hearth.llm.gateway_keys:
    keys: [{name: office, rotation: 2026-11}]
    directory: "{{ inventory_dir }}/.secrets"
    state: prepared

- name: Put them in their places, once the gateway knows them
  hearth.llm.gateway_keys:
    keys: [{name: office, rotation: 2026-11}]
    directory: "{{ inventory_dir }}/.secrets"
    state: present
"""

RETURN = r"""
made:
  description: The names of the keys that have got their first text.
  type: list
  elements: str
  returned: O(state=prepared)
rotated:
  description: The names of the keys whose text is being replaced.
  type: list
  elements: str
  returned: O(state=prepared)
"""
