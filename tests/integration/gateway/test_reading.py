# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway judges is what an engine reads: the same bodies are read by door.lua and by the parsers of the engines.

vLLM's is Python's own `json.loads` on the bytes (Starlette's `Request.json`); llama.cpp's is `nlohmann::json::parse`, which takes the same bodies and fewer,
and is asked in the long run: HEARTH_TEST_FUZZ=100000 pytest tests/integration/gateway/test_reading.py (Debian's g++ and nlohmann-json3-dev are needed).
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT
from integration.gateway.bodies import bodies
from lab import packages

BODIES = int(os.environ.get("HEARTH_TEST_FUZZ", "3000"))
SERVED, LONGEST = "served/name", 500
LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
# What a model may be called: other names lead nowhere, however they are read.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]*")
HERE = Path(__file__).parent
BROKEN = object()


def read_by(command: Sequence[str | Path], texts: Iterable[bytes]) -> list[bytes]:
    """What a program says to each text; both with their lengths before them."""
    sent = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    environment = {**os.environ, "GATEWAY_LONG_BYTES": "1", "GATEWAY_LONG_REQUESTS": "1"}
    answered = subprocess.run(command, input=sent, stdout=subprocess.PIPE, check=True, env=environment).stdout
    pieces, place = [], 0
    while place < len(answered):
        (length,) = struct.unpack_from("<I", answered, place)
        pieces.append(answered[place + 4 : place + 4 + length])
        place += 4 + length
    return pieces


def by_vllm(texts: Sequence[bytes]) -> list[Any]:
    def parsed(text: bytes) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return BROKEN

    return [parsed(text) for text in texts]


def by_llama_cpp(directory: Path) -> Callable[[Sequence[bytes]], list[Any]]:
    packages.provide("g++", "/usr/include/nlohmann/json.hpp")
    program = directory / "parse"
    subprocess.run(["g++", "-O1", "-o", program, HERE / "parse.cpp"], check=True)

    def read(texts: Sequence[bytes]) -> list[Any]:
        return [json.loads(answer) if answer else BROKEN for answer in read_by([program], texts)]

    return read


@pytest.fixture(params=["vllm", "llama_cpp"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Sequence[bytes]], list[Any]]:
    if request.param == "vllm":
        return by_vllm
    if "HEARTH_TEST_FUZZ" not in os.environ:
        pytest.skip("needs a compiler: set HEARTH_TEST_FUZZ=100000")
    return by_llama_cpp(tmp_path)


def test_gateway_and_engine_read_the_same(engine: Callable[[Sequence[bytes]], list[Any]]) -> None:
    packages.provide("lua5.3")
    sent = list(bodies(BODIES, 1))
    sent.append(b'{"messages":["' + b"x" * 20_000_000 + b'"],"model":"alpha"}')
    door: list[str | Path] = [
        "lua5.3",
        HERE / "reading.lua",
        PROJECT / "roles/gateway/files/door.lua",
        SERVED,
        str(LONGEST),
    ]
    said = read_by(door, sent)
    told = said[1::2]
    seen: Counter[str] = Counter()
    for body, words, before, after in zip(sent, said[::2], engine(sent), engine(told), strict=True):
        fault, rest = words.decode("utf-8", "surrogateescape").split("\0", 1)
        model, answers, _entries = rest.rsplit("\0", 2)
        if after is BROKEN:
            # Nothing of it is done.
            seen["refused by the engine"] += 1
            continue
        if fault:
            # Python alone reads other encodings of Unicode, and passes over a byte-order mark.
            foreign = body[:1] in (b"\xff", b"\xfe", b"\xef") or b"\0" in body
            assert fault != "no_object" or foreign or not isinstance(before, dict), body
            seen[fault] += 1
            continue
        assert after["model"] == SERVED, (body, after)
        for name in LENGTHS:
            length = after.get(name)
            assert length is None or (type(length) is int and 0 <= length <= LONGEST), (name, body)
        for name in ("n", "n_cmpl", "best_of"):
            wanted = after.get(name)
            assert wanted is None or min(wanted, 1_000_000) <= float(answers), (name, body)
        if before is BROKEN:
            # A value that was broken has been written anew.
            seen["mended"] += 1
            continue
        named = before.get("model") or ""
        assert model == named or not (NAME.fullmatch(model) or NAME.fullmatch(named)), body
        assert _rest(before) == _rest(after), body
        seen["judged"] += 1
    print(dict(seen))
    assert seen["judged"] > BODIES // 5
    assert {"ambiguous_model", "no_object", "refused by the engine", "max_tokens"} <= set(seen), seen


def _rest(whole: dict[str, Any]) -> str:
    """What nobody has to write anew. As text, for a number that is none is not equal to itself."""
    written = {"model", "stream_options", *LENGTHS}
    return json.dumps({name: value for name, value in whole.items() if name not in written}, sort_keys=True)
