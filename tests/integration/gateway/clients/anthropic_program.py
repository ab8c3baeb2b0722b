# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks as programs do that were made for Anthropic's API. Address, key and authority are those of the environment, as docs/clients.md has them.

python anthropic_program.py CHAT_MODEL CALLING_MODEL    prints what came, as JSON
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anthropic

QUESTION: Any = [{"role": "user", "content": "Who are you?"}]
# Not among the arguments of this client any more.
SURE = {"temperature": 0}
CAR: Any = {
    "name": "price",
    "description": "What a car costs",
    "input_schema": {
        "type": "object",
        "properties": {"model": {"enum": ["A", "B"], "default": "A"}, "n": {"enum": [1, 2], "examples": [2]}},
        "required": ["model", "n"],
        "examples": [{"model": {"maker": "x"}, "n": 2, "max_tokens": 1000000}],
    },
}


def main(chat: str, calling: str) -> None:
    client = anthropic.Anthropic(max_retries=0)
    # What this client sends by default is more than the model's longest answer.
    whole = client.messages.create(model=chat, max_tokens=4096, messages=QUESTION, extra_body=SURE)
    with client.messages.stream(model=chat, max_tokens=50, messages=QUESTION, extra_body=SURE) as stream:
        pieces = list(stream.text_stream)
        streamed = stream.get_final_message()
    counted = client.messages.count_tokens(model=chat, messages=QUESTION)

    asked = [{"role": "user", "content": "What does A cost?"}]
    call = client.messages.create(model=calling, max_tokens=50, messages=asked, tools=[CAR])
    use = next(part for part in call.content if part.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "7"}
    told: Any = [*asked, {"role": "assistant", "content": call.content}, {"role": "user", "content": [result]}]
    answer = client.messages.create(model=calling, max_tokens=50, messages=told, tools=[CAR])

    try:
        anthropic.Anthropic(api_key="sk-wrong", max_retries=0).messages.create(
            model=chat, max_tokens=5, messages=QUESTION
        )
        refused = ""
    except anthropic.AuthenticationError as error:
        refused = str(error)
    said = {
        "whole": whole.content[0].text,
        "streamed": "".join(pieces),
        "pieces": len(pieces),
        "written": [whole.usage.output_tokens, streamed.usage.output_tokens],
        "counted": counted.input_tokens,
        "call": [use.name, use.input, call.stop_reason],
        "answer": answer.content[0].text,
        "refused": refused,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
