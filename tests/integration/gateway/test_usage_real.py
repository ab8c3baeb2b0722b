# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway counts, held against what llama.cpp itself says that it has read and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import kill
from pathlib import Path
from signal import SIGUSR2
from typing import Any

import pytest
from integration.gateway.description import Gateway, eventually
from integration.gateway.test_usage import BOSS, answers, end, master, used
from integration.test_serve_model import await_health, request, served
from integration.wheel import serving

MINI = Path(__file__).parents[3] / "files/models/hearth-mini.gguf"
QUESTION: Any = [{"role": "user", "content": "What is your name?"}]
TOTALS = ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total")


@pytest.fixture(scope="module")
def engine(running: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Behind the gateway as the model mini."""
    directory = tmp_path_factory.mktemp("engine")
    socket = directory / "s.sock"
    key = (running.directory / "secrets/engine_key").read_text().strip()
    (directory / "keys").write_text(f"{key}\none\n")
    options = {"api-key-file": str(directory / "keys"), "metrics": True, "parallel": 2, "alias": "mini"}
    with serving(directory, "mini", served(socket, MINI, **options)) as process:
        await_health(socket, process)
        running.describe(gateway_models={**running.models, "mini": {"addresses": [f"unix@{socket}"]}})
        yield socket
    running.describe()


def totals(socket: Path) -> tuple[int, ...]:
    """What the engine has read, what of prompts it had read before, and what it has written."""
    text = request(socket, "GET", "/metrics")[1].decode()
    found = dict(re.findall(r"^llamacpp:(\w+) (\d+)", text, re.MULTILINE))
    return tuple(int(found[name]) for name in TOTALS)


def counted(gateway: Gateway) -> tuple[int, ...]:
    """The same as the gateway has counted it."""
    _requests, _estimated, prompt, cached, completion = used(gateway).get(("all", None, "mini"), (0,) * 5)
    return prompt - cached, cached, completion


def test_the_gateway_counts_what_the_engine_counts(gateway: Gateway, engine: Path) -> None:
    before = totals(engine)

    def differ() -> list[int]:
        said = (new - old for new, old in zip(totals(engine), before, strict=True))
        return [mine - its for mine, its in zip(counted(gateway), said, strict=True)]

    def ask(path: str, **body: object) -> str:
        answer = gateway.ask("POST", path, {"model": "mini", **body})
        assert answer.status == 200, answer.body
        return answer.body

    for turn in range(10):
        chat = {"messages": [*QUESTION, {"role": "user", "content": f"{turn}"}], "max_tokens": 20 + turn}
        ask("/v1/chat/completions", **chat)
        assert '"usage"' not in ask("/v1/chat/completions", **chat, stream=True)
        assert '"usage"' in ask("/v1/chat/completions", **chat, stream=True, stream_options={"include_usage": True})
        ask("/v1/completions", prompt=f"{turn} is", max_tokens=8)
        ask("/v1/completions", prompt=f"{turn} is", max_tokens=8, stream=True)
        ask("/v1/responses", input=f"{turn} is", max_output_tokens=8, stream=turn % 2 == 0)
        ask("/v1/messages", messages=QUESTION, max_tokens=8, stream=turn % 2 == 0)
    eventually(lambda: differ() == [0, 0, 0], "all is counted")

    def endless() -> Any:
        more = {"ignore_eos": True}
        return gateway.openai().chat.completions.create(
            model="mini", messages=QUESTION, stream=True, max_tokens=900, extra_body=more
        )

    # A reload in the middle of a stream.
    running = endless()
    next(running)
    older = gateway.workers
    kill(master(gateway), SIGUSR2)
    eventually(lambda: not gateway.workers <= older, "there is a new process")
    list(running)
    eventually(lambda: differ() == [0, 0, 0], "both processes have been counted")

    # A client that hangs up: the pieces that have come until then. The engine may be ahead, and has told nobody of the prompt.
    leaving, said = endless(), counted(gateway)[-1]
    read = sum(bool(next(leaving).choices) for _event in range(100))
    leaving.close()
    eventually(lambda: _rests(engine), "the engine rests")
    eventually(lambda: used(gateway)["all", None, "mini"][1] == 1, "it is counted")
    unknown, also_unknown, ahead = differ()
    assert abs(unknown + also_unknown) < 30
    assert ahead <= 0
    assert counted(gateway)[-1] - said >= read - 1, "the first event may say who speaks, and nothing else"

    end(gateway)
    eventually(lambda: answers(gateway), "it is there again", 30)
    ask("/v1/chat/completions", messages=QUESTION, max_tokens=5)
    eventually(lambda: differ() == [unknown, also_unknown, ahead], "it is counted on")
    print(f"the gateway has counted {counted(gateway)}, and differs from the engine by {differ()}")
    assert used(gateway, BOSS)["all", None, "mini"][0] == 73


def _rests(engine: Path) -> bool:
    return not any(slot["is_processing"] for slot in request(engine, "GET", "/slots")[1])
