#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that passes over what it was told is found out by what it says of itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_report
short_description: Compare what an engine says of itself with the options that it was given
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks a running engine what it has. llama-server tells its slots and their context (C(/props)), vLLM the longest context (C(/v1/models)) and how
    its cache is set up (C(/metrics)), OpenVINO Model Server whether the model is ready (KServe's protocol, C(/v2)).
  - Fails with all differences at once.
  - In check mode it does not fail, because what runs may be what the run would replace; RV(differences) says what differs.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  engine:
    description: The engine.
    type: str
    choices: [llama_cpp, openvino, vllm]
    required: true
  url:
    description: Base of the engine's API.
    type: str
    required: true
  api_key:
    description: The key that is sent.
    type: str
  models:
    description: The models, as for M(hearth.llm.completion_probe).
    type: list
    elements: dict
    required: true
    suboptions:
      model:
        description: Served name.
        type: str
        required: true
      instance:
        description: Which of its instances is asked, where there are several. In what is returned, the second is called C(chat.2).
        type: int
        default: 1
      url:
        description: Base of the API of this model's engine, where it is not O(url).
        type: str
      socket_path:
        description: Ask through this Unix socket.
        type: path
      task:
        description: Taken, so that the same list serves both modules. It makes no difference here.
        type: str
  options:
    description: For each served name the options that its engine was given, without dashes.
    type: dict
    required: true
  timeout:
    description: How long the engine may keep silent, seconds.
    type: float
    default: 30
seealso:
  - module: hearth.llm.engine_options
"""

EXAMPLES = r"""
- name: See that vLLM has what it was told
  hearth.llm.engine_report:
    engine: vllm
    url: http://127.0.0.1:18100/v1
    api_key: "{{ vllm_api_key }}"
    models:
      - model: chat
    options:
      chat:
        max-model-len: 8192
        kv-cache-dtype: fp8
"""

RETURN = r"""
reports:
  description: What the engines said, by served name, or by what an instance is called.
  type: dict
  returned: always
  contains:
    ready:
      description: Whether the model is ready.
      type: bool
      returned: for OpenVINO Model Server
      sample: true
    context_tokens:
      description: The longest context of a request, tokens.
      type: int
      returned: for llama.cpp and vLLM
      sample: 8192
    slots:
      description: How many requests are answered at the same time.
      type: int
      returned: for llama.cpp
      sample: 4
    build:
      description: What the build calls itself.
      type: str
      returned: for llama.cpp
      sample: b11669-Debian
    full_length_requests:
      description: How many requests of full length the cache has room for.
      type: float
      returned: for vLLM
      sample: 12.5
    cache:
      description: How the cache is set up, in vLLM's own words.
      type: dict
      returned: for vLLM
differences:
  description: What differs, each a sentence.
  type: list
  elements: str
  returned: always
"""

import json
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_report import getter
from ansible_collections.hearth.llm.plugins.module_utils._engines._on_targets import ENGINES
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._served_names import instance
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "engine": {"type": "str", "choices": list(ENGINES), "required": True},
        "url": {"type": "str", "required": True},
        "api_key": {"type": "str", "no_log": True},
        "models": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "model": {"type": "str", "required": True},
                "instance": {"type": "int", "default": 1},
                "url": {"type": "str"},
                "socket_path": {"type": "path"},
                "task": {"type": "str"},
            },
        },
        "options": {"type": "dict", "required": True},
        "timeout": {"type": "float", "default": 30},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    engine = ENGINES[params["engine"]]
    reports: dict[str, Any] = {}
    found: list[str] = []
    for own in params["models"]:
        model, called = own["model"], instance(own["model"], own.get("instance") or 1)
        way = Way(own["url"] or params["url"], socket_path=own["socket_path"])
        try:
            report = engine.report(getter(way, params["api_key"], params["timeout"]), model)
        except HearthError as error:
            found.append(f"{called}: what its engine has cannot be told: {error.message}")
            continue
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            found.append(f"{called}: the engine at {way.words} answers in a form that is not known ({error!r}).")
            continue
        reports[called] = report
        found += [f"{called}: {part}." for part in engine.differences(params["options"].get(model, {}), report)]
    result = {"reports": reports, "differences": found}
    if found and not check_mode:
        raise HearthError(
            f"The engine does not do what it was told. {' '.join(found)} Look at its log for why, and take back what it passes over.",
            **result,
        )
    return result


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
