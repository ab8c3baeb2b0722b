#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assistants of AnythingLLM: workspaces with their model, prompt, limits and members."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_workspace
short_description: Describe the workspaces of AnythingLLM
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes workspaces, and says who may use them. All of them in one task, in one comparison.
  - What an item does not name is left alone as it is on the server.
  - Values that the server would silently replace are refused. After each change the module compares what the server kept.
  - Documents are brought by M(hearth.llm.anythingllm_documents).
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  workspaces:
    description: The workspaces.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name. Where several workspaces have it, give O(workspaces[].slug). With a slug, the name that it should have.
        type: str
      slug:
        description: The server's own name of a workspace that exists. The server chooses it; it cannot be chosen for a new workspace.
        type: str
      state:
        description: Whether it should be there. Its documents stay in the library when it is removed.
        type: str
        choices: [present, absent]
        default: present
      provider:
        description: The provider of its language model, as C(generic-openai). V(default) for the server's own one.
        type: str
      model:
        description: The model that answers, by the name under which it is served.
        type: str
      system_prompt:
        description: What the model is told before each conversation.
        type: str
      temperature:
        description: How freely it answers, from 0 on.
        type: float
      history:
        description: How many earlier questions of a conversation it is told again, with their answers. From 1 on, because the server takes 0 for 20.
        type: int
      similarity_threshold:
        description: How like the question a piece of a document must be to be shown to the model, from 0 to 1.
        type: float
      top_n:
        description: How many pieces of documents it is shown at most.
        type: int
      mode:
        description:
          - V(chat) answers from what the model knows and from documents, V(query) from documents only.
          - V(automatic), which the server takes for a new workspace where nothing is given, hands each question to an agent. It has tools, does
            not look into the documents by itself, and knows neither O(workspaces[].temperature) nor the longest answer.
        type: str
        choices: [chat, query, automatic]
      refusal:
        description: What is said in mode V(query) when the documents say nothing about it.
        type: str
      search:
        description: How pieces of documents are found. V(rerank) reads them again and takes the better ones.
        type: str
        choices: [default, rerank]
      agent_provider:
        description: The provider for C(@agent).
        type: str
      agent_model:
        description: The model for C(@agent).
        type: str
      members:
        description:
          - User names of all who may use it, in multi-user mode. An empty list for nobody.
          - Administrators and managers see every workspace anyway.
        type: list
        elements: str
  exclusive:
    description: Whether to remove all workspaces that are not listed.
    type: bool
    default: false
  removal_percent_max:
    description: The share of the workspaces that may be removed because nothing names them any more, percent. V(100) for all of them.
    type: int
    default: 50
  expected_users:
    description: User names that an earlier task makes. In check mode they count as there.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Describe the assistants
  hearth.llm.anythingllm_workspace:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
    workspaces:
      - name: DocExplorer
        model: chat
        system_prompt: Answer from the documents only, and say where it is written.
        temperature: 0.2
        similarity_threshold: 0.25
        top_n: 6
        mode: query
        members: [alice, bob]
      - name: Old one
        state: absent
"""

RETURN = r"""
created:
  description: The workspaces that were made.
  type: list
  elements: str
  returned: success
updated:
  description: The workspaces that were changed.
  type: list
  elements: str
  returned: success
deleted:
  description: The workspaces that were removed.
  type: list
  elements: str
  returned: success
workspaces:
  description: The workspaces that are listed as present and exist, by name, with the server's own C(id) and C(slug).
  type: dict
  returned: success
  sample: {DocExplorer: {id: 1, slug: docexplorer}}
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

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm import workspaces
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    texts = ("name", "slug", "provider", "model", "system_prompt", "refusal", "agent_provider", "agent_model")
    return {
        **connection_spec(),
        "workspaces": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "required_one_of": [("name", "slug")],
            "options": {
                **{name: {"type": "str"} for name in texts},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "temperature": {"type": "float"},
                "history": {"type": "int"},
                "similarity_threshold": {"type": "float"},
                "top_n": {"type": "int"},
                "mode": {"type": "str", "choices": ["chat", "query", "automatic"]},
                "search": {"type": "str", "choices": ["default", "rerank"]},
                "members": {"type": "list", "elements": "str"},
            },
        },
        "exclusive": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": 50},
        "expected_users": {"type": "list", "elements": "str", "default": []},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    items = params["workspaces"]
    wanted = {}
    for item in items:
        key = workspaces.key_of(item)
        if key in wanted:
            raise InputError(f"workspaces: {key} is there twice. Name each workspace once.")
        workspaces.check(item, key)
        wanted[key] = workspaces.wanted(item)
    kind = workspaces.Workspaces(
        server,
        items,
        expected=params["expected_users"] if check_mode else (),
        removal_percent_max=params["removal_percent_max"],
    )
    outcome = reconcile(kind, wanted, check_mode=check_mode, exclusive=params["exclusive"])
    found = {
        key: {"id": kind.rows[key]["id"], "slug": kind.rows[key]["slug"]}
        for key, state in wanted.items()
        if state is not None and key in kind.rows
    }
    return {**outcome.result(), "workspaces": found}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
