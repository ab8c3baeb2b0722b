#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only proof that an assistant works: asked as its page asks, it has answered, from its documents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: anythingllm_probe
short_description: Ask AnythingLLM's workspaces as their page asks
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks each workspace in its own mode, by streaming, and waits until it has answered.
  - A workspace that knows documents is asked with words out of one of them, so that a source has to come with the answer. Where none comes it
    fails, and says so.
  - A workspace in mode C(automatic) is handed to an agent, which calls a dead engine an answer, and names no sources. So its model is asked first, without
    the agent, and the search is asked for what it finds.
  - In check mode nothing is asked, because the server keeps each question.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
  - hearth.llm.frontend
options:
  workspaces:
    description: The workspaces to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      slug:
        description: The server's own name of it.
        type: str
        required: true
      documents:
        description: Whether it knows documents, so that a source has to come.
        type: bool
        default: false
  prompt:
    description: What workspaces without documents are asked.
    type: str
    default: Say hello.
  wait_timeout:
    description: How long to ask again where the model does not answer yet, seconds, for each workspace.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Prove that the assistants answer
  hearth.llm.anythingllm_probe:
    api_url: http://127.0.0.1:3001
    api_key: "{{ anythingllm.api_key }}"
    workspaces:
      - slug: docexplorer
        documents: true
      - slug: brandspark
"""

RETURN = r"""
probed:
  description: Whether the workspaces were asked.
  type: bool
  returned: success
  sample: true
answers:
  description: What each workspace answered, by its slug, with the titles of its sources.
  type: dict
  returned: success
  sample: {docexplorer: {text: It is smoked paprika., sources: [signature_sandwiches.md], mode: chat}}
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

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.proof import Proof
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import connect
from ansible_collections.hearth.llm.plugins.module_utils._frontend import asking, connection_spec
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server


def argument_spec() -> dict[str, Any]:
    return {
        **connection_spec(),
        "workspaces": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "slug": {"type": "str", "required": True},
                "documents": {"type": "bool", "default": False},
            },
        },
        "prompt": {"type": "str", "default": "Say hello."},
        "wait_timeout": {"type": "float", "default": 60},
    }


def run(params: Mapping[str, Any], server: Server, *, check_mode: bool) -> dict[str, Any]:
    if check_mode:
        return {"probed": False, "answers": {}}
    proof = Proof(server, params["prompt"], params["wait_timeout"])
    return {"probed": True, "answers": proof.all(params["workspaces"])}


def main() -> None:
    run_module(asking(connect, run), argument_spec())


if __name__ == "__main__":
    main()
