# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the kinds that llama.cpp's own tests send to its server: model, path, body.

What those tests ask by paths that stay closed (`/completion`, `/tokenize`, slots, adapters) is asked here by the open path that does the same.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.tools.engine_offers.features import CHAT, MESSAGES, RESPONSES, told, tools

_TALK: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}]
_HEY: Any = [{"role": "user", "content": "Hey"}]
_SCHEMA = {"type": "json_schema", "json_schema": {"schema": {"const": "yes"}}}
_SAMPLING: dict[str, Any] = {
    "samplers": ["top_k", "temperature"],
    "top_k": 5,
    "typical_p": 0.9,
    "repeat_last_n": 8,
    "dry_multiplier": 0.1,
    "xtc_probability": 0.1,
    "mirostat": 0,
    "min_keep": 1,
    "ignore_eos": False,
    "cache_prompt": False,
}

_WRONG: list[Any] = [None, "string", [123], [{}], [{"role": 123}], [{"role": "system", "content": 1}]]

_CHATS: list[dict[str, Any]] = [
    {"messages": _TALK, "max_tokens": 8},
    {"messages": _TALK, "max_tokens": 8, "stream": True},
    {"messages": _TALK, "max_tokens": 8, "stream": True, "stream_options": {"include_usage": True}},
    {"messages": _TALK, "max_tokens": 8, "stream": True, "timings_per_token": True},
    {"messages": _TALK, "max_tokens": 8, "stream": True, "return_progress": True},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is"}, {"type": "text", "text": "it"}]}]},
    {"messages": [*_TALK, {"role": "assistant", "content": "I am"}], "max_tokens": 8},
    {"messages": [*_TALK, {"role": "assistant", "content": [{"type": "text", "text": "I"}]}], "max_tokens": 8},
    {"messages": _HEY, "logprobs": True, "top_logprobs": 10, "max_tokens": 5, "temperature": 0},
    {"messages": _HEY, "logprobs": True, "top_logprobs": 10, "max_tokens": 5, "stream": True},
    {"messages": _HEY, "logit_bias": {"5": -100, "6": 1.5}, "max_tokens": 5},
    {"messages": _HEY, "logit_bias": [[5, -100], [" the", False]], "max_tokens": 5},
    {"messages": _HEY, "stop": ["am"], "max_tokens": 20},
    {"messages": _HEY, "seed": 42, "temperature": 0.8, "max_tokens": 5, **_SAMPLING},
    {"messages": _HEY, "grammar": 'root ::= "no"{3,3}', "max_tokens": 6},
    {"messages": _HEY, "grammar": "this is none", "max_tokens": 6},
    {"messages": _HEY, "json_schema": {"const": "yes"}, "max_tokens": 6},
    {"messages": _HEY, "response_format": {"type": "json_object", "schema": {"const": "yes"}}, "max_tokens": 6},
    {"messages": _HEY, "response_format": _SCHEMA, "max_tokens": 6},
    {"messages": _HEY, "response_format": {"type": "json_object"}, "max_tokens": 10},
    {"messages": _HEY, "response_format": {"type": "song"}},
    {"messages": _HEY, "response_format": {"type": "json_object", "schema": 123}},
    {"messages": _HEY, "response_format": {"type": "json_object", "schema": {"type": "none"}}},
    {"messages": _HEY, "max_tokens": 0},
    {"messages": _HEY, "max_tokens": None},
    {"messages": _HEY, "max_completion_tokens": 4},
    {"messages": _HEY, "n_predict": 4},
    {"messages": _HEY, "n": 1, "max_tokens": 4},
    {"messages": _HEY, "reasoning_format": "none", "chat_template_kwargs": {"enable_thinking": False}},
    {"messages": _HEY, "add_generation_prompt": False, "max_tokens": 4},
    {"messages": _HEY, "response_fields": ["choices"], "max_tokens": 4},
    {"messages": [{"role": "user", "content": "word " * 2000}], "max_tokens": 4},
    *({"messages": wrong} for wrong in _WRONG),
    {"messages": [*_TALK, {}]},
    {},
]
_COMPLETIONS: list[dict[str, Any]] = [
    {"prompt": "The house is", "max_tokens": 8},
    {"prompt": "The house is", "n_predict": 8, "return_tokens": True},
    {"prompt": "The house is", "max_tokens": 8, "stream": True},
    {"prompt": [1, 2, 3, 4], "max_tokens": 4},
    {"prompt": [1, 2, 3, "red", 4, 5, "blue"], "max_tokens": 4},
    {"prompt": "red", "max_tokens": 4, "logprobs": 3},
    {"prompt": "red", "max_tokens": 4, "n_probs": 3, "post_sampling_probs": True},
    {"prompt": "red " * 2000, "max_tokens": 4},
    {"prompt": "red", "max_tokens": 4, "cache_prompt": False, "seed": 1, "temperature": 1.0},
    {"prompt": "red", "max_tokens": 4, "echo": True, "suffix": "x", "best_of": 1},
    {"prompt": "red", "max_tokens": 4, "lora": []},
    {"prompt": "red", "max_tokens": 4, "id_slot": 0},
    {"max_tokens": 4},
]
_RESPONSES: list[dict[str, Any]] = [
    {"input": "Hey", "max_output_tokens": 8},
    {"input": "Hey", "max_output_tokens": 8, "stream": True},
    {
        "input": "Hey",
        "max_output_tokens": 8,
        "instructions": "Be brief.",
        "temperature": 0.8,
        "reasoning": {"effort": "low"},
    },
    {"input": _TALK, "max_output_tokens": 8},
    {"input": "Hey", "max_output_tokens": 10, "text": {"format": {"type": "json_object"}}},
    {"input": "Hey", "text": {"format": {"type": "json_schema", "name": "test"}}},
    {"input": 5},
    {},
]
_MESSAGES: list[dict[str, Any]] = [
    {"messages": _HEY, "max_tokens": 8},
    {"messages": _HEY, "max_tokens": 8, "stream": True},
    {"messages": _HEY, "max_tokens": 8, "system": "Be brief."},
    {
        "messages": _HEY,
        "max_tokens": 8,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    },
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hey"}]}], "max_tokens": 8},
    {"messages": _HEY, "max_tokens": 8, "stop_sequences": ["am"], "top_p": 0.9, "top_k": 5, "temperature": 0.5},
    {"messages": _HEY, "max_tokens": 8, "metadata": {"user_id": "x"}, "thinking": {"type": "disabled"}},
    {"messages": _HEY},
    {"messages": "string", "max_tokens": 8},
    {"max_tokens": 8},
]
_CALLS: list[tuple[str, dict[str, Any]]] = [
    (CHAT.path, {"messages": _HEY, "tools": tools(CHAT)}),
    (CHAT.path, {"messages": _HEY, "tools": tools(CHAT), "stream": True}),
    (CHAT.path, {"messages": _HEY, "tools": tools(CHAT), "tool_choice": "required", "parallel_tool_calls": True}),
    (CHAT.path, {"messages": _HEY, "tools": tools(CHAT), "tool_choice": "none"}),
    (CHAT.path, {"messages": _HEY, "tools": tools(CHAT), "response_format": _SCHEMA}),
    (CHAT.path, {"messages": told(CHAT), "tools": tools(CHAT)}),
    (CHAT.path, {"messages": _HEY, "tools": "none"}),
    (RESPONSES.path, {"input": told(RESPONSES), "tools": tools(RESPONSES)}),
    (RESPONSES.path, {"input": "Hey", "tools": tools(RESPONSES), "stream": True}),
    (MESSAGES.path, {"messages": told(MESSAGES), "tools": tools(MESSAGES), "max_tokens": 20}),
    (MESSAGES.path, {"messages": _HEY, "tools": tools(MESSAGES), "max_tokens": 40, "stream": True}),
    (MESSAGES.path, {"messages": _HEY, "tools": tools(MESSAGES), "tool_choice": {"type": "any"}, "max_tokens": 40}),
]
_EMBEDDINGS: list[dict[str, Any]] = [
    {"input": "The house is"},
    {"input": ["one", "two", "three"]},
    {"input": [1, 2, 3]},
    {"input": [[1, 2], [3, 4, 5]]},
    {"input": [1, "mixed", 2]},
    {"input": "a", "encoding_format": "base64"},
    {"input": "a", "encoding_format": "invalid"},
    {"input": ""},
    {"input": []},
    {"content": "a"},
    {"input": "word " * 2000},
    {},
]

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    *(("mini", CHAT.path, body) for body in _CHATS),
    *(("mini", "/v1/completions", body) for body in _COMPLETIONS),
    *(("mini", RESPONSES.path, body) for body in _RESPONSES),
    *(("mini", MESSAGES.path, body) for body in _MESSAGES),
    *(("mini", f"{MESSAGES.path}/count_tokens", body) for body in _MESSAGES),
    *(("caller", path, body) for path, body in _CALLS),
    *(("embedding", "/v1/embeddings", body) for body in _EMBEDDINGS),
]
