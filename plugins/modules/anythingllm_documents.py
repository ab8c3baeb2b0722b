#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AnythingLLM's assistants know: files, in a workspace, embedded."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_documents
short_description: Keep the documents of AnythingLLM's workspaces as files are
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Brings files to the server, embeds them in workspaces, replaces those whose content is another one, and proves that each of them is embedded.
  - A document carries a mark that says its name and the hash of its content, so that it is sent once. Documents without the mark were brought
    by somebody else, and are left alone, whatever they are called.
  - A document that several workspaces know is sent once to its folder. What no workspace knows any more is removed from the library.
  - A run that was cut off is completed by the next.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
  - hearth.llm.documents
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Tells names and hashes, not contents.
  idempotent:
    support: full
options:
  workspaces:
    description: Which documents which workspace should know. A workspace may be there several times.
    type: list
    elements: dict
    required: true
    suboptions:
      workspace:
        description: Name of the workspace, or its slug.
        type: str
        required: true
      src:
        description: A directory, with all that is in it and not hidden, or one file.
        type: path
      state:
        description: V(absent) removes all documents with the mark from the workspace.
        type: str
        choices: [present, absent]
        default: present
      folder:
        description: The folder of the library in which they lie.
        type: str
        default: hearth
      pinned:
        description: Whether the documents are shown to the model as a whole with each question. For short ones.
        type: bool
      exclusive:
        description: Whether documents with the mark that are in no O(workspaces[].src) of this workspace are removed from it.
        type: bool
        default: false
  expected_workspaces:
    description: Names of workspaces that an earlier task makes. In check mode they count as there.
    type: list
    elements: str
    default: []
  collector_timeout:
    description: How long to wait until the server's document processor is up, seconds. Only where there is something to send.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Give DocExplorer its documents
  hearth.llm.anythingllm_documents:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
    workspaces:
      - workspace: DocExplorer
        src: documents/handbook
        exclusive: true
      - workspace: DocExplorer
        src: documents/opening_hours.md
        pinned: true
      - workspace: BrandSpark
        src: documents/handbook
"""

RETURN = r"""
created:
  description: The documents, with their workspaces, that were made.
  type: list
  elements: str
  returned: success
updated:
  description: The documents, with their workspaces, that were changed.
  type: list
  elements: str
  returned: success
deleted:
  description: The documents, with their workspaces, that were removed.
  type: list
  elements: str
  returned: success
uploaded:
  description: The documents that were sent.
  type: list
  elements: str
  returned: success
  sample: [hearth/menu.md]
requests:
  description: How often the server was asked.
  type: dict
  returned: success
  contains:
    total:
      description: All requests.
      type: int
      returned: success
      sample: 5
    writes:
      description: Those that may change something.
      type: int
      returned: success
      sample: 0
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _documents
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.documents import Documents
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, guarded

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        **_documents.spec(),
        "workspaces": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "workspace": {"type": "str", "required": True},
                "src": {"type": "path"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "folder": {"type": "str", "default": "hearth"},
                "pinned": {"type": "bool"},
                "exclusive": {"type": "bool", "default": False},
            },
        },
        "expected_workspaces": {"type": "list", "elements": "str", "default": []},
        "collector_timeout": {"type": "float", "default": 60},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    store = _documents.Store(params["workspaces"], params)
    documents = Documents(server, store, expected=params["expected_workspaces"] if check_mode else ())
    return documents.run(params["workspaces"], collector_timeout=params["collector_timeout"], check_mode=check_mode)


@guarded
def main() -> None:
    module = HearthModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        with connect(module.params) as server:
            result = run(module.params, server, check_mode=module.check_mode)
            module.exit_json(**result, **server.costs())
    except _documents.DocumentsNeededError as needed:
        module.exit_json(changed=False, needed=needed.hashes)
    except HearthError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
