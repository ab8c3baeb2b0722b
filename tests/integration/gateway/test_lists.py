# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a list of prompts door.lua counts as many as an engine works on, whatever stands in its texts and wherever it stands."""

from __future__ import annotations

import json
import random
from typing import Any

from integration.conftest import PROJECT
from integration.gateway.test_reading import HERE, read_by
from lab import packages

LISTS = 3000
# Texts that look like the end of a text, or of a list.
TEXTS = ("x", '"', "\\", '\\"', 'a"b\\', 'a\\b"', 'y"z', ', "', '["', '"],', "}", "{[")


def counted(prompt: list[Any]) -> int:
    """llama.cpp takes a list that has a number for one prompt in tokens; vLLM takes it so, or refuses it."""
    return 1 if any(isinstance(entry, int) for entry in prompt) else max(1, len(prompt))


def test_lists_are_counted_as_engines_count_them() -> None:
    chance = random.Random(13)
    prompts = [
        [chance.choice(TEXTS) if chance.random() < 0.9 else chance.choice([7, [1, 2]]) for _entry in range(length)]
        for length in (chance.randrange(9) for _list in range(LISTS))
    ]
    bodies = []
    for prompt in prompts:
        members = [("model", "m"), ("prompt", prompt), ("user", chance.choice(TEXTS))]
        chance.shuffle(members)
        separators = chance.choice([(",", ":"), (", ", ": ")])
        options = {"stream": True, "stream_options": {chance.choice(TEXTS): chance.choice(TEXTS)}}
        bodies.append(json.dumps({**dict(members), **options}, separators=separators).encode())
    packages.provide("lua5.3")
    program = ("lua5.3", HERE / "reading.lua", PROJECT / "roles/gateway/files/door.lua", "m", "500")
    answers = read_by(program, bodies)
    for prompt, body, judged, written in zip(prompts, bodies, answers[::2], answers[1::2], strict=True):
        fault, _model, _answers, entries = judged.split(b"\0")
        assert (fault, max(1, int(entries))) == (b"", counted(prompt)), body
        # What is added is added where it belongs.
        options = {**json.loads(body)["stream_options"], "include_usage": True}
        assert json.loads(written) == {**json.loads(body), "stream_options": options}, body
