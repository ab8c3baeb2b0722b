#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
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
  - A run that was cut off is completed by the next. A server that does not answer in time goes on embedding, and is asked how far it is.
  - A file is one document. Spreadsheets (C(.xlsx)) and mailboxes (C(.mbox)), of which the server would make several, are sent as one text. Whatever
    reads as text is sent as text, whatever its name; of other kinds of files the server says which it reads.
  - Blank, damaged and protected files, PDF files without text, pictures and recordings are left out, because the server would fetch what reads them from
    the Internet, or end. All other documents are brought, what is there of those stays, and the task fails at its end with all their names.
  - To forget more than O(removal_percent_max) of what a workspace knows is refused before anything is changed, so that a directory that
    is empty by mistake costs nothing.
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
      chunk_size:
        description:
          - How long the pieces are that these documents are cut into, characters. By default the server's own setting.
          - That setting is one for all. It is changed while these documents are embedded, for which O(database_path), or O(username) and
            O(password), are needed. Other lengths than before make other documents, which are embedded anew.
        type: int
      chunk_overlap:
        description: How far one piece reaches into the next, characters. 0 where only O(workspaces[].chunk_size) is given.
        type: int
  expected_workspaces:
    description: Names of workspaces that an earlier task makes. In check mode they count as there.
    type: list
    elements: str
    default: []
  collector_timeout:
    description: How long to wait until the server's document processor is up, seconds. Only where there is something to send.
    type: float
    default: 60
  embedding_timeout:
    description: How long one document may take to be embedded when the server has not answered within O(timeout), seconds.
    type: float
    default: 3600
  prune_folders:
    description:
      - Folders of the library from which documents with the mark go that no workspace knows, as when an assistant was removed.
      - The folders of exclusive items are among them anyway.
    type: list
    elements: str
    default: []
  removal_percent_max:
    description: The share of the documents with the mark that may be removed because nothing names them any more, percent. V(100) for all of them.
    type: int
    default: 50
  fail_on_unreadable:
    description: Whether the task fails at its end when documents could not be read or embedded. RV(failures) tells in either case.
    type: bool
    default: true
  database_path:
    description: Path on the host of the server's C(anythingllm.db), where settings are read without a login.
    type: path
  username:
    description: An administrator, in multi-user mode. Only for O(workspaces[].chunk_size) without O(database_path).
    type: str
  password:
    description: The administrator's password or, outside of multi-user mode, the server's.
    type: str
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
failures:
  description: What could not be read or embedded, with the reason and with what to do. Everything else is in place.
  type: list
  elements: str
  returned: always
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
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.preferences import Preferences
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import Session, mode_of, public_settings
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.splitter import Splitter
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

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
                "chunk_size": {"type": "int"},
                "chunk_overlap": {"type": "int"},
            },
        },
        "expected_workspaces": {"type": "list", "elements": "str", "default": []},
        "collector_timeout": {"type": "float", "default": 60},
        "embedding_timeout": {"type": "float", "default": 3600},
        "prune_folders": {"type": "list", "elements": "str", "default": []},
        "removal_percent_max": {"type": "int", "default": 50},
        "fail_on_unreadable": {"type": "bool", "default": True},
        "database_path": {"type": "path"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    for item in params["workspaces"]:
        _check_lengths(item)
    store = _documents.Store(params["workspaces"], params, tolerant=True)
    documents = Documents(
        server,
        store,
        Splitter(server, lambda: _preferences(params, server)),
        expected=params["expected_workspaces"] if check_mode else (),
        embedding_timeout=params["embedding_timeout"],
        removal_percent_max=params["removal_percent_max"],
    )
    result = documents.run(
        params["workspaces"],
        prune_folders=params["prune_folders"],
        collector_timeout=params["collector_timeout"],
        check_mode=check_mode,
    )
    if result["failures"] and params["fail_on_unreadable"]:
        raise HearthError(f"{' '.join(result['failures'])} Everything else is in place.", **result)
    return result


def _check_lengths(item: Mapping[str, Any]) -> None:
    size, overlap = item["chunk_size"], item["chunk_overlap"]
    if (size is not None and size < 1) or (overlap is not None and not 0 <= overlap < (size or 0)):
        raise InputError(
            f"workspaces, {item['workspace']}: pieces of {size} characters that overlap by {overlap} cannot be. Give a chunk_size from 1 on, and a "
            "chunk_overlap below it."
        )


def _preferences(params: Mapping[str, Any], server: Server) -> Preferences:
    session = Session(
        server, mode_of(public_settings(server)), username=params["username"], password=params["password"]
    )
    return Preferences(session, params["database_path"])


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
