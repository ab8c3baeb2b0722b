#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model is compressed once, and again only when something that it is made of has changed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compressed_model
short_description: Have models compressed for OpenVINO, beside those that they are made of
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes of each model in Hugging Face's format one for OpenVINO, by C(optimum-cli) with NNCF, in an environment that is there already.
  - A model is taken as M(hearth.llm.model) has verified it, or as it lies in a directory that somebody has put there.
  - What is made lies in a directory that is called by what it was made of, which are the files, the method and the versions of the programs. It gets its name
    when all of it is on the disk, and C(hearth.json) in it says what it was made of, with the hash of each file.
  - Memory and disk are reckoned for all models before the first one is begun. Where they do not suffice, nothing is begun.
  - How weights are kept where the description does not say it, presets say by the architecture of the model, with figures of OpenVINO's own notebooks.
  - A run that is killed leaves what another one clears away.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
    details: A model that is not on the host yet cannot be looked at, and is said to be made.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  models:
    description: The models. What else stands in an entry is left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Served name.
        type: str
        required: true
      path:
        description: Directory of the model in Hugging Face's format.
        type: path
        required: true
      compression:
        description: C(weights), V(int4), V(int8) or V(fp16), and for V(int4) C(group_size), C(ratio) and C(symmetric).
        type: dict
        required: true
  directory:
    description: Where the models lie. What is made lies below C(.compressed) in it.
    type: path
    required: true
  program:
    description: Path of C(optimum-cli). Needed where something is to be made.
    type: path
  versions:
    description: What makes the models, and which version of it, such as C(nncf). Another one makes them anew.
    type: dict
    default: {}
  memory_bytes:
    description: Memory of the host to reckon with instead of what is free, bytes.
    type: int
  state:
    description:
      - V(present), the models are made where they are not there.
      - V(pruned), what was made and is none of O(keep) is removed.
    type: str
    choices: [present, pruned]
    default: present
  keep:
    description: Directories that are served, with O(state=pruned).
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Have a model in four bits
  hearth.llm.compressed_model:
    models:
      - name: assistant
        path: /var/lib/hearth/models/assistant
        compression: {weights: int4}
    directory: /var/lib/hearth/models
    program: /opt/openvino/bin/optimum-cli
    versions: {nncf: 3.4.0, optimum-intel: 2.2.0}
  register: compressed

- name: Show what it has become
  ansible.builtin.debug:
    msg: "{{ compressed.report }}"

- name: Remove what nobody serves any more
  hearth.llm.compressed_model:
    directory: /var/lib/hearth/models
    state: pruned
    keep: ["{{ compressed.models.assistant.path }}"]
"""

RETURN = r"""
models:
  description: What was made of each model, by served name.
  type: dict
  returned: with O(state=present)
  contains:
    path:
      description: The directory that an engine serves.
      type: str
      returned: always
      sample: /var/lib/hearth/models/.compressed/assistant@4f2a9c01d3b7
    fingerprint:
      description: A text that changes when the bytes do.
      type: str
      returned: always
      sample: assistant@4f2a9c01d3b7
    source:
      description: Where it came from. Empty for a directory that somebody has put there.
      type: str
      returned: always
      sample: hf://owner/assistant
    revision:
      description: The commit.
      type: str
      returned: always
      sample: 1d91e2b4a9c0f7e3
    method:
      description: How weights are kept.
      type: dict
      returned: always
      sample: {weights: int4, group_size: 64, ratio: 0.6, symmetric: true}
    bytes_before:
      description: Size of the weights that it was made of.
      type: int
      returned: always
      sample: 16796000000
    bytes_after:
      description: Size of what was made. 0 where a dry run would make it.
      type: int
      returned: always
      sample: 5826000000
    seconds:
      description: How long it took.
      type: float
      returned: where it is there
      sample: 840.5
    peak_memory_bytes:
      description: The most memory that it took.
      type: int
      returned: where it is there
      sample: 21474836480
report:
  description: The same as a table for people.
  type: str
  returned: with O(state=present)
made:
  description: Names of the models that were made, or would be.
  type: list
  elements: str
  returned: with O(state=present)
removed:
  description: Directories that were removed, or would be.
  type: list
  elements: str
  returned: with O(state=pruned)
"""

from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._openvino.compress import run


def argument_spec() -> dict[str, Any]:
    model = {
        "name": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "compression": {"type": "dict", "required": True},
    }
    return {
        "models": {"type": "list", "elements": "dict", "default": [], "options": model},
        "directory": {"type": "path", "required": True},
        "program": {"type": "path"},
        "versions": {"type": "dict", "default": {}},
        "memory_bytes": {"type": "int"},
        "state": {"type": "str", "choices": ["present", "pruned"], "default": "present"},
        "keep": {"type": "list", "elements": "path", "default": []},
    }


def main() -> None:
    run_module(lambda module: run(module.params, Host("/"), check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
