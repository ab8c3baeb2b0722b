#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assistants: a served model with a prompt, knowledge, and people who may use it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_model
short_description: Manage the assistants of Open WebUI
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes, changes and removes assistants, which Open WebUI calls models.
  - An option of an assistant that is not given is left as it is, also what can only be set in the browser, as its picture.
  - An assistant can be used as soon as the module has ended.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.frontend
attributes:
  check_mode:
    support: full
    details: Users, groups and knowledge that are not there yet are believed to be made by the same run.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  models:
    description: The assistants.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What users see, and what the assistant is found by.
        type: str
        required: true
      id:
        description:
          - What programs ask for. By default it is made of the name, once; with a part of its hash, where another model has that id already.
          - With it an assistant is found by its id and gets O(models[].name).
        type: str
      state:
        description: Whether it should be there.
        type: str
        choices: [present, absent]
        default: present
      model:
        description: The served model that answers. Needed to make an assistant.
        type: str
      system_prompt:
        description: What the model is told before each conversation.
        type: str
      temperature:
        description: How freely it chooses its words, 0 to 2.
        type: float
      parameters:
        description: Further parameters as the server calls them, for example C(max_tokens). Those that are not named are left as they are; null removes one.
        type: dict
      function_calling:
        description:
          - How the assistant comes to its knowledge. V(legacy) puts what is found into the prompt, with every model, in the browser and through the API.
            V(native) lets the model call tools, which wants a model that can, and works in the browser only. There the server puts the description of
            some twenty-five tools before each question, about 5000 tokens, whether the assistant has knowledge or not.
          - By default V(legacy), where nothing else is set. The server's own default is V(native).
        type: str
        choices: [legacy, native]
      description:
        description: What users read about it.
        type: str
      capabilities:
        description: What the browser offers with it, for example C(vision=false). Those that are not named are left as they are.
        type: dict
      knowledge:
        description: Names of the knowledge that it answers from, all of it. M(hearth.llm.open_webui_knowledge) makes it.
        type: list
        elements: str
      enabled:
        description: Whether it can be used.
        type: bool
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
  open_below:
    description:
      - Whether those who may use an assistant may use the served model and the knowledge below it, too.
        Without the model the server refuses the assistant to them; without the knowledge it answers without it, and tells nobody.
      - The module never closes what is below. A served model that it opens for the first time is not offered in the chooser of the browser.
    type: bool
    default: true
  exclusive:
    description: Whether assistants that are not listed are removed.
    type: bool
    default: false
  removal_percent_max:
    description:
      - How many of the assistants may be removed by one run, percent. Where it would be more, or all of them, nothing is changed and the module fails
        and says which would go. One of two or more may always go.
      - V(100) accepts whatever goes.
    type: int
    default: 50
notes:
  - Administrators may use all assistants. Grants to change an assistant, which are given in the browser, are kept.
  - How much is found in documents, and how similar it must be, is one setting of the server for all assistants
    (C(rag.top_k), C(rag.relevance_threshold) in M(hearth.llm.open_webui_settings)).
seealso:
  - module: hearth.llm.open_webui_knowledge
  - module: hearth.llm.open_webui_user
"""

EXAMPLES = r"""
- name: Have two assistants
  hearth.llm.open_webui_model:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    models:
      - name: DocExplorer
        model: assistant
        system_prompt: Answer from the documents only.
        temperature: 0.1
        knowledge: [handbook]
        members: [anna@example.com]
      - name: BrandSpark
        model: assistant
        temperature: 0.9
        everyone: true
"""

RETURN = r"""
created:
  description: Names of the assistants that were made, or would be.
  returned: success
  type: list
  elements: str
updated:
  description: Names of those that were changed, or would be.
  returned: success
  type: list
  elements: str
deleted:
  description: Names of those that were removed, or would be.
  returned: success
  type: list
  elements: str
opened:
  description: Served models and knowledge that were opened to more people, or would be.
  returned: success
  type: list
  elements: str
ids:
  description: Ids of the assistants by name.
  returned: success
  type: dict
  sample: {"DocExplorer": "docexplorer"}
requests:
  description: How often the server was asked.
  returned: success
  type: dict
  sample: {"total": 6, "writes": 0}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.below import open_below
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.knowledge import check_names, listed
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.models import PARAMS, Assistants
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.overlay import overlay
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.people import People, access_spec
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.unlisted import Unlisted
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import reconcile
from ansible_collections.hearth.llm.plugins.module_utils._removals import DEFAULT_PERCENT

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Outcome, State


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "models": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "id": {"type": "str"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "model": {"type": "str"},
                "system_prompt": {"type": "str"},
                "temperature": {"type": "float"},
                "parameters": {"type": "dict"},
                "function_calling": {"type": "str", "choices": ["legacy", "native"]},
                "description": {"type": "str"},
                "capabilities": {"type": "dict"},
                "knowledge": {"type": "list", "elements": "str"},
                "enabled": {"type": "bool"},
                **access_spec(),
            },
        },
        "open_below": {"type": "bool", "default": True},
        "exclusive": {"type": "bool", "default": False},
        "removal_percent_max": {"type": "int", "default": DEFAULT_PERCENT},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    items = {item["name"]: item for item in params["models"]}
    if len(items) < len(params["models"]):
        raise InputError("models: a name is there twice. Each assistant needs a name of its own.")
    for item in items.values():
        _check(item)
    people = People(server, check_mode=check_mode)
    found = listed(server)
    knowledge = {each["id"]: each["name"] for each in found}
    assistants = Assistants(
        server,
        people,
        ids={name: item["id"] for name, item in items.items() if item["id"]},
        knowledge=knowledge,
        check_mode=check_mode,
        unlisted=Unlisted(set(items), params["removal_percent_max"]),
    )
    there = assistants.read()
    wanted = {
        name: _wanted(item, there.get(name, {}), people, knowledge, check_mode=check_mode)
        if item["state"] == "present"
        else None
        for name, item in items.items()
    }
    outcome = reconcile(assistants, wanted, check_mode=check_mode, exclusive=params["exclusive"])
    results = [outcome.result()]
    if params["open_below"]:
        present = [outcome.states[name] for name, state in wanted.items() if state is not None]
        results += open_below(server, people, found, present, assistants.ids, check_mode)
    changed = any(result["changed"] for result in results)
    if changed and not check_mode:
        _make_usable(server, outcome, assistants.ids)
    return {
        **results[0],
        "changed": changed,
        "opened": [key for result in results[1:] for key in result["created"] + result["updated"]],
        "diff": {
            side: {key: state for result in results for key, state in result["diff"][side].items()}
            for side in ("before", "after")
        },
        "ids": assistants.ids,
    }


def _check(item: Mapping[str, Any]) -> None:
    name, temperature = item["name"], item["temperature"]
    if temperature is not None and not 0 <= temperature <= 2:
        raise InputError(f"{name}: a temperature of {temperature} is none. Give 0 to 2.")
    longest = (item["parameters"] or {}).get("max_tokens")
    if longest is not None and (not isinstance(longest, int) or longest < 1):
        raise InputError(
            f"{name}: with max_tokens of {longest} there is no answer. Give 1 or more, or null for as much as the model may."
        )
    for option, parameter in PARAMS.items():
        if parameter in (item["parameters"] or {}):
            raise InputError(f"{name}: parameters names {parameter}. Give the option {option} instead.")
    if item["id"] is not None and (not item["id"] or any(letter.isspace() for letter in item["id"])):
        raise InputError(f"{name}: the id {item['id']!r} is empty or holds a blank. Give another.")


def _wanted(
    item: Mapping[str, Any], there: State, people: People, knowledge: Mapping[str, str], *, check_mode: bool
) -> State:
    wanted: State = {
        name: item[name]
        for name in ("name", "model", "system_prompt", "temperature", "function_calling", "description", "enabled")
    }
    for name in ("parameters", "capabilities"):
        wanted[name] = None if item[name] is None else overlay(there.get(name, {}), item[name])
    if item["knowledge"] is not None:
        check_names(item["name"], item["knowledge"], list(knowledge.values()), lenient=check_mode)
        wanted["knowledge"] = sorted(set(item["knowledge"]))
    if item["function_calling"] is None and there.get("function_calling") is None:
        wanted["function_calling"] = "legacy"
    return {**wanted, **people.access(item)}


def _make_usable(server: Server, outcome: Outcome, ids: Mapping[str, str]) -> None:
    """The server knows a new model only when its list was asked for."""
    usable = {model["id"] for model in server.get("/api/models")["data"]}
    for name in outcome.keys("created"):
        if outcome.states[name]["enabled"] and ids[name] not in usable:
            raise ProtocolError(f"The assistant {name} was made, and the server does not offer it. Look at its log.")


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
