#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials, a file of the controller. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sbom
short_description: Write the bill of materials of an installation, and tell what has changed since another one
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Writes one document of CycloneDX 1.6 on the controller, with a tree of components for each host, and has it judged by CycloneDX's own schema.
  - The same installation gives the same file. A new version of it, with another time, is written where something else differs, and its serial number stays.
  - Connects to nothing.
requirements: [cyclonedx-python-lib, jsonschema]
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description: The file on the controller. Its directory has to be there.
    type: path
    required: true
  name:
    description: What the installation is called in it.
    type: str
    required: true
  hosts:
    description: By the name of each host what M(hearth.llm.sbom_info) says of it, with P(hearth.llm.bill_models#filter) over its models, and
      C(cards) and C(unread) of M(hearth.llm.model_card_info).
    type: dict
    required: true
  licences:
    description: A file on the controller that says what licences allow, as C(files/licences.yml) of the role P(hearth.llm.sbom#role).
    type: path
    required: true
  compare:
    description: An earlier document on the controller, to be compared with this one.
    type: path
seealso:
  - module: hearth.llm.sbom_info
"""

EXAMPLES = r"""
- name: Write the bill of materials of what was looked at
  hearth.llm.sbom:
    path: /srv/evidence/hearth.cdx.json
    name: llm.example.com
    hosts: "{{ looked_at }}"
    licences: /srv/evidence/licences.yml
    compare: /srv/evidence/before.cdx.json
  register: bill
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
findings:
  description: What has to be known of the models' licences, and of models without a hash, each a sentence.
  returned: success
  type: list
  elements: str
differences:
  description: What has changed since O(compare), each a line of a table in words.
  returned: success
  type: list
  elements: str
  sample: ["changed  llm.example.com  file  chat/chat.gguf  sha256 7c1a10d202d8 → 758c965d21d0"]
"""
