#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents that assistants answer from."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_knowledge
short_description: Manage the knowledge of Open WebUI
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes knowledge, and keeps its documents as they are in a directory.
  - New documents are sent and embedded, changed ones replaced, and those that are gone removed, each by the hash of its bytes.
    A run in which nothing changed sends nothing.
  - Each document is proven to be embedded, and each knowledge to be found in. A document that the server cannot read is left out, the others are
    done, and at the end the module fails and names all that were left out, each with its reason (O(fail_unreadable)). Where the engine that embeds
    does not answer, the run ends, and the next one goes on from there.
  - Pictures, recordings, archives, programs and text that is not in UTF-8 are never sent. The server would embed most of them byte by byte.
  - Where the time is up while the server embeds a document, it goes on with it. The next run waits for it instead of sending it once more.
  - A knowledge with O(knowledge[].src) is wholly the directory's; documents that were added in the browser are removed from it.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
  - hearth.llm.documents
attributes:
  check_mode:
    support: full
    details: Users and groups that are not there yet are believed to be made by the same run.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  knowledge:
    description: The knowledge.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What it is called, and found by.
        type: str
        required: true
      state:
        description: Whether it should be there. With its removal its documents go, too.
        type: str
        choices: [present, absent]
        default: present
      description:
        description: What it is about.
        type: str
      src:
        description:
          - A directory, with its subdirectories, or one file. What is hidden is left out.
          - Without it documents are left as they are.
          - Of documents with the same bytes the first one by path is kept, for the server refuses the others; RV(duplicates) names them.
        type: path
      chunk_tokens:
        description:
          - How long the pieces are that the documents are cut into, tokens. Without it the length is the server's (C(rag.chunk_size), characters).
          - The server counts characters, which are reckoned for each document by what is written in it, and set while it is embedded.
          - When it changes, or the embedding model does, the documents are cut and embedded anew.
        type: int
      chunk_overlap_tokens:
        description: How much of a piece the next one repeats, tokens. By default nothing.
        type: int
      everyone:
        description: Whether every user may use it.
        type: bool
      members:
        description: Who may use it, all of them; each by address, or by name where nobody else is called so.
        type: list
        elements: str
      groups:
        description: The groups whose members may use it, all of them.
        type: list
        elements: str
  exclusive:
    description: Whether knowledge that is not listed is removed.
    type: bool
    default: false
  embedding_model:
    description: Name of the model that embeds, where O(knowledge[].chunk_tokens) is given. When it changes, documents are cut and embedded anew.
    type: str
    default: ""
  embedding_context_tokens:
    description: How long a text the model that embeds takes, tokens. No piece becomes longer, where O(knowledge[].chunk_tokens) is given.
    type: int
  fail_unreadable:
    description: Whether the module fails, at its end, for documents that the server cannot read. They are in RV(unreadable) in any case.
    type: bool
    default: true
  removal_percent_max:
    description:
      - How much of the documents of a knowledge may be removed by one run, percent. Where it would be more, or all of them, nothing is changed and
        the module fails and says what would go. One of two or more may always go.
      - V(100) accepts whatever goes.
    type: int
    default: 50
notes:
  - M(hearth.llm.open_webui_model) opens knowledge to those who may use an assistant that answers from it, so that nobody needs to be named here.
    Who is named in O(knowledge[].members), and is not all of them, is at odds with that in each run.
  - How documents are embedded is said in M(hearth.llm.open_webui_settings), and has to be said before.
seealso:
  - module: hearth.llm.open_webui_model
"""

EXAMPLES = r"""
- name: Have the handbook, as it lies beside this playbook
  hearth.llm.open_webui_knowledge:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    knowledge:
      - name: handbook
        description: How we work
        src: documents/handbook
"""

RETURN = r"""
created:
  description: Names of the knowledge that was made, or would be.
  returned: success
  type: list
  elements: str
updated:
  description: Names of what was changed, or would be.
  returned: success
  type: list
  elements: str
deleted:
  description: Names of what was removed, or would be.
  returned: success
  type: list
  elements: str
ids:
  description: Ids by name.
  returned: success
  type: dict
duplicates:
  description: For each knowledge with such, the documents that are left out, and the one that says the same.
  returned: success
  type: dict
  sample: {"handbook": {"copy.md": "a.md"}}
unreadable:
  description: For each knowledge with such, the documents that are not there, each with its reason. In check mode only those that their names tell of.
  returned: always
  type: dict
  sample: {"handbook": {"team.jpg": "a picture has no text that the server can read. Write down what it says, or remove it"}}
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 4, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils import _documents
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.knowledge import (
    Collections,
    once,
    readable,
    told,
    troubles,
)
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People, access_spec
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import checked
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        **_documents.spec(),
        "knowledge": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "description": {"type": "str"},
                "src": {"type": "path"},
                "chunk_tokens": {"type": "int", "no_log": False},
                "chunk_overlap_tokens": {"type": "int", "no_log": False},
                **access_spec(),
            },
        },
        "exclusive": {"type": "bool", "default": False},
        "embedding_model": {"type": "str", "default": ""},
        "embedding_context_tokens": {"type": "int", "no_log": False},
        "fail_unreadable": {"type": "bool", "default": True},
        "removal_percent_max": {"type": "int", "default": DEFAULT_PERCENT},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    items = params["knowledge"]
    if len({item["name"] for item in items}) < len(items):
        raise InputError("knowledge: a name is there twice. Give each knowledge a name of its own.")
    store = _documents.Store(items, params, tolerant=True)
    described = {
        item["name"]: found
        for item, found in zip(items, store.sets)
        if found is not None and item["state"] == "present"
    }
    sets = {name: once(readable(found)) for name, found in described.items()}
    pieces = {
        item["name"]: checked(
            item["name"],
            item["chunk_tokens"],
            item["chunk_overlap_tokens"],
            params["embedding_model"],
            params["embedding_context_tokens"],
        )
        for item in items
    }
    people = People(server, check_mode=check_mode)
    kind = Collections(
        server,
        people,
        store,
        {name: kept for name, (kept, _duplicates) in sets.items()},
        check_mode=check_mode,
        pieces=pieces,
        troubles={name: troubles(found) for name, found in described.items()},
        unlisted=Unlisted({item["name"] for item in items}, params["removal_percent_max"]),
    )
    wanted = {
        item["name"]: {
            "description": item["description"],
            "documents": kind.wanted(item["name"]),
            **people.access(item),
        }
        if item["state"] == "present"
        else None
        for item in items
    }
    outcome = reconcile(kind, wanted, check_mode=check_mode, exclusive=params["exclusive"])
    if kind.failures and params["fail_unreadable"]:
        raise HearthError(f"knowledge: {told(kind.failures)}", unreadable=kind.failures)
    return {
        **outcome.result(),
        "ids": kind.ids,
        "duplicates": {name: duplicates for name, (_kept, duplicates) in sets.items() if duplicates},
        "unreadable": kind.failures,
    }


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
