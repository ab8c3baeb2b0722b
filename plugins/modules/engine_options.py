#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that no list is kept of is asked itself which options it has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_options
short_description: Ask an engine's own build which options it has, and compare
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Runs a command that makes the engine say which options it has, and compares those that it is to be given.
  - Fails with all findings at once. Unknown options are told with the nearest real name, wrong values with what would be right.
  - The command is to change nothing and to need no network; it is run in check mode, too. There the module does not fail when the command
    cannot be run, because what is missing may be what the run would fetch; RV(asked) says so.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  engine:
    description: The engine.
    type: str
    required: true
  build:
    description: What the build is called in messages, such as the reference of the image.
    type: str
    required: true
  command:
    description: The command. It prints the help of llama-server, or the JSON that C(files/engine_options/describe_vllm.py) prints.
    type: list
    elements: str
    required: true
  stdin:
    description: What the command reads.
    type: str
  options:
    description: For each place that a message is to name, such as a served name, its options; long or short names, with or without dashes.
    type: dict
    required: true
  owned:
    description: Options that are not for users, each with the reason.
    type: dict
    default: {}
  environment:
    description: Variables of the engine's environment.
    type: dict
    default: {}
  timeout:
    description: How long the command may take, seconds.
    type: int
    default: 900
seealso:
  - plugin: hearth.llm.engine_options_check
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask an image which options it has
  hearth.llm.engine_options:
    engine: llama_cpp
    build: ghcr.io/ggml-org/llama.cpp:server-b11176
    command: [docker, run, --rm, --network, none, "ghcr.io/ggml-org/llama.cpp:server-b11176", --help]
    options:
      chat:
        flash-attn: "on"
        cache-type-k: q8_0
"""

RETURN = r"""
asked:
  description: Whether the build has answered. False in check mode only.
  type: bool
  returned: success
  sample: true
reason:
  description: Why it has not.
  type: str
  returned: when not RV(asked)
  sample: docker cannot be run (No such file or directory).
known:
  description: How many options the build has.
  type: int
  returned: when RV(asked)
  sample: 258
findings:
  description: What is wrong, each a sentence.
  type: list
  elements: str
  returned: failure
"""

import json
import subprocess
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.check import (
    environment_findings,
    option_findings,
)
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.help_text import read_help
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import OptionList, from_document
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

LAST_WORDS = 600


def argument_spec() -> dict[str, Any]:
    return {
        "engine": {"type": "str", "required": True},
        "build": {"type": "str", "required": True},
        "command": {"type": "list", "elements": "str", "required": True},
        "stdin": {"type": "str"},
        "options": {"type": "dict", "required": True},
        "owned": {"type": "dict", "default": {}},
        "environment": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 900},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    try:
        known = ask(params)
    except HearthError as error:
        if check_mode:
            return {"asked": False, "reason": error.message}
        raise
    findings = [
        f"{place}: {finding}"
        for place, given in params["options"].items()
        for finding in option_findings(known, given, owned=params["owned"], misnomers={})
    ]
    findings += environment_findings(known, params["environment"], misnomers={})
    if findings:
        raise InputError(" ".join(findings), findings=findings)
    return {"asked": True, "known": len(known.options)}


def ask(params: Mapping[str, Any]) -> OptionList:
    program = params["command"][0]
    try:
        ended = subprocess.run(
            params["command"],
            input=params["stdin"] or "",
            capture_output=True,
            text=True,
            timeout=params["timeout"],
            check=False,
        )
    except OSError as error:
        raise HearthError(f"{program} cannot be run ({error.strerror}).") from error
    except subprocess.TimeoutExpired as error:
        raise HearthError(
            f"{params['build']} did not say within {params['timeout']} s which options it has. Run the same again: {' '.join(params['command'])}"
        ) from error
    try:
        if ended.returncode != 0:
            raise ValueError(f"the command ended with status {ended.returncode}")
        if ended.stdout.lstrip().startswith("{"):
            return from_document(json.loads(ended.stdout))
        return read_help(ended.stdout, params["build"].rpartition(":")[2])
    except (ValueError, KeyError) as error:
        raise HearthError(
            f"{params['build']} did not say which options it has ({error}): {ended.stderr.strip()[-LAST_WORDS:]}"
        ) from error


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
