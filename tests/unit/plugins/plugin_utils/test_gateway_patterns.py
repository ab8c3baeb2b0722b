# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import random
import re

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_patterns import body_pattern

CAP = ["max_tokens", "n_predict"]


def passes(pattern: str, body: str) -> bool:
    """The expression is PCRE2's, which HAProxy speaks; Python's differs only in the name of the end."""
    return bool(re.compile(pattern.replace(r"\z", r"\Z")).match(body))


@pytest.mark.parametrize("highest", [1, 9, 10, 99, 100, 500, 2048, 4096, 10_001])
def test_numbers_pass_up_to_the_highest(highest: int) -> None:
    pattern = body_pattern(CAP, highest)
    choice = random.Random(1)
    numbers = {0, 1, highest - 1, highest, highest + 1, highest * 10, *choice.choices(range(3 * highest), k=300)}
    for number in numbers:
        assert passes(pattern, json.dumps({"x": 1, "max_tokens": number})) == (number <= highest), number


@pytest.mark.parametrize(
    "body",
    [
        '{"max_tokens": 501}',
        '{"max_tokens":1e9}',
        '{"max_tokens":5.0}',
        '{"max_tokens":-1}',
        '{"max_tokens":"5"}',
        '{"max_tokens":true}',
        '{"max_tokens":[501]}',
        '{"max_tokens":5,"max_tokens":501}',
        '{"max_tokens":501,"max_tokens":5}',
        r'{"max\u005ftokens":501}',
        r'{"\u006d\u0061\u0078_tokens":501}',
        r'{"m\u0061x\u005Ftokens"' + "\n:\t501}",
        '{"messages":["' + "x" * 100_000 + '"],"n_predict":501}',
        '{"max_tokens":5,"options":{"n_predict":501}}',
    ],
)
def test_the_cap_cannot_be_dodged(body: str) -> None:
    assert not passes(body_pattern(CAP, 500), body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"max_tokens": None, "n_predict": 500},
        {"messages": [{"role": "user", "content": 'Is {"max_tokens": 9000} allowed? \\"max_tokens":9000'}]},
        {"tools": [{"parameters": {"properties": {"max_tokens": {"type": "integer"}}, "required": ["max_tokens"]}}]},
    ],
)
def test_what_is_no_number_of_tokens_passes(body: object) -> None:
    assert passes(body_pattern(CAP, 500), json.dumps(body))


@pytest.mark.parametrize(
    ("body", "once"),
    [
        ('{"model":"a"}', True),
        (r'{"mod\u0065l":"a"}', True),
        ('{"model":{}, "model":"a"}', True),
        ("{}", False),
        ('{"model":"a","model":["b"]}', False),
        ('{"model":"a","model":"b"}', False),
        (r'{"model":"a","\u006D\u006f\u0064\u0065\u006C":"b"}', False),
    ],
)
def test_without_a_number_a_key_must_be_there_once(body: str, once: bool) -> None:
    assert passes(body_pattern(["model"]), body) == once
