#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that assistants answer people, asked as the page asks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_webui_probe
short_description: Ask the assistants of Open WebUI as its page asks them
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks each assistant one question as the page does, with a session and by streaming, and waits for its answer. What the server does for people and not
    for programs, as putting the descriptions of tools before the question, is part of the proof.
  - An assistant that is to know documents has to show a source with its answer.
  - Nothing is kept of the question. In check mode nothing is asked.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
  - hearth.llm.frontend
options:
  assistants:
    description: The assistants.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: What it is asked for by. RV(hearth.llm.open_webui_model#module:ids) has it.
        type: str
        required: true
      sources:
        description: Whether its answer has to come with a source.
        type: bool
        default: false
  prompt:
    description: What each is asked.
    type: str
    default: Say hello.
notes:
  - O(timeout) is for each assistant.
seealso:
  - module: hearth.llm.open_webui_model
"""

EXAMPLES = r"""
- name: Prove that the assistants answer, one of them from its documents
  hearth.llm.open_webui_probe:
    api_url: http://127.0.0.1:3000
    api_key: "{{ key }}"
    assistants:
      - id: docexplorer
        sources: true
      - id: brandspark
"""

RETURN = r"""
answers:
  description: What each has answered, by id, and the names of the sources that came with it.
  returned: success
  type: dict
  sample: {"docexplorer": {"text": "Smoked paprika.", "sources": ["menu.md"]}}
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.asking import ask
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import connect

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "assistants": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "id": {"type": "str", "required": True},
                "sources": {"type": "bool", "default": False},
            },
        },
        "prompt": {"type": "str", "default": "Say hello."},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    if check_mode:
        return {"changed": False, "answers": {}}
    answers = {
        item["id"]: ask(server, item["id"], params["prompt"], sources=item["sources"]) for item in params["assistants"]
    }
    return {"changed": False, "answers": answers}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
