# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that calls a tool, written by hand: it asks for one call with fixed arguments, and answers once it was told what came of it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.hearth.llm.tools.hello_model.chain import SECOND, hello_model

# Tools are named, calls and their results repeated in the way that Hermes and Qwen have taught engines to know.
_TEMPLATE = (
    "{%- if tools %}{{- '<|system|>You may call these tools: <tools>' }}"
    "{%- for tool in tools %}{{- tool | tojson }}{%- endfor %}"
    "{{- '</tools>' + eos_token }}{%- endif %}"
    "{%- for message in messages %}{{- '<|' + message.role + '|>' }}"
    "{%- if message.content %}{{- message.content }}{%- endif %}"
    "{%- for call in message.tool_calls or [] %}"
    '{{- \'<tool_call>\\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}"
    "{%- endfor %}{{- eos_token }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|assistant|>' }}"
    "{%- if messages[-1].role == 'tool' %}{{- '" + SECOND + "' }}{%- endif %}{%- endif %}"
)


def calling_model(name: str, tool: str, arguments: dict[str, Any], answer: str) -> bytes:
    """The GGUF file of a model that calls `tool` with `arguments`, and says `answer` after the result."""
    call = f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call>"
    return hello_model(name, call, second=answer, template=_TEMPLATE)
