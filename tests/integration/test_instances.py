# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model with two instances: a real llama.cpp each, and a real HAProxy that shares requests out among them."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from integration.conftest import PROJECT, Runner
from integration.gateway.description import eventually
from integration.programs import pids_of, stop_all
from integration.real_house import House
from lab import packages

# Long enough for a few short questions on a machine that is busy.
IDLE_SECONDS = 8
ROLES = ("models", "llama_cpp", "certificates", "gateway")
MODEL: dict[str, Any] = {
    "source": f"file://{PROJECT}/files/models/hearth-mini.gguf",
    "context_tokens": 2048,
    "slots": 1,
    "instances": {"min": 1, "max": 2},
    "idle_unload_seconds": IDLE_SECONDS,
}
FIRST: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is your name?"}]
SECOND: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is the capital of France?"},
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    packages.provide("haproxy", "libgomp.so.1")
    keys = [{"name": "default", "operator": True}]
    described = House(tmp_path_factory.mktemp("house"), module_playbook, {"mini": MODEL}, hearth_api_keys=keys)
    described.describe(roles=ROLES)
    yield described
    stop_all(described.directory / "h")


class Answering:
    """An answer that goes on until it is left, or has as many tokens as a context holds."""

    def __init__(self, house: House, messages: Any, **how: Any) -> None:
        self._stream = house.openai().chat.completions.create(
            model="mini", messages=messages, stream=True, extra_body={"ignore_eos": True}, **{"max_tokens": 1500, **how}
        )
        next(self._stream)

    def leave(self) -> None:
        self._stream.close()

    def to_its_end(self) -> int:
        return sum(1 for _event in self._stream)


def status(house: House) -> dict[str, Any]:
    _status, text = house.ask_gateway("/status", "", method="GET")
    (model,) = json.loads(text)["models"]
    return dict(model)


def loaded(house: House) -> int:
    return int(status(house)["instances_loaded"])


def cached(house: House, messages: Any, **how: Any) -> int:
    """What of the prompt the instance that has answered had in its cache."""
    answer = house.openai().chat.completions.create(model="mini", messages=messages, temperature=0, max_tokens=4, **how)
    assert answer.usage
    assert answer.usage.prompt_tokens_details
    return answer.usage.prompt_tokens_details.cached_tokens or 0


def goes_on(messages: Any) -> Any:
    return [*messages, {"role": "assistant", "content": "I am."}, {"role": "user", "content": "Go on."}]


def test_a_second_instance_comes_when_the_first_has_no_slot_and_goes_when_nobody_asks(house: House) -> None:
    seen = status(house)
    assert (seen["state"], seen["instances"], seen["instances_loaded"], seen["slots"]) == ("loaded", 2, 1, 2)
    one, other = Answering(house, FIRST), Answering(house, SECOND)
    third = threading.Thread(target=lambda: found.append(cached(house, FIRST)))
    found: list[int] = []
    third.start()

    def waits() -> bool:
        seen = status(house)
        return (seen["slots_in_use"], seen["waiting"]) == (2, 1)

    # Where the machine is slow, one of the two may have come to its end before the second instance was loaded.
    eventually(lambda: waits() or bool(found), "the third waits")
    # What is told of the engines is a moment old.
    eventually(lambda: loaded(house) == 2, "the second instance is told")
    one.leave()
    third.join(60)
    assert found, "the third was not answered"
    other.leave()
    eventually(lambda: loaded(house) == 1, "the second instance is unloaded", IDLE_SECONDS + 30)
    assert status(house)["state"] == "loaded"
    assert house.describe(roles=ROLES).changed == 0


def test_a_conversation_goes_on_with_the_instance_that_has_read_it(house: House) -> None:
    one = Answering(house, FIRST)
    assert cached(house, SECOND) == 0
    one.leave()
    eventually(lambda: status(house)["slots_in_use"] == 0, "the engine has noticed")
    # Both are free now, and each has read one of them.
    turns = [cached(house, goes_on(messages)) for messages in (SECOND, FIRST, SECOND, FIRST)]
    print(f"tokens from the cache: {turns}")
    assert min(turns) > 10


def test_what_a_killed_instance_does_not_take_the_other_one_answers(house: House) -> None:
    one, other = Answering(house, FIRST), Answering(house, SECOND)
    (killed,) = pids_of(house.directory / "h", "llama_cpp-mini")
    os.kill(killed, signal.SIGKILL)
    # Until it is gone the kernel takes connections for it.
    eventually(lambda: not pids_of(house.directory / "h", "llama_cpp-mini") & {killed}, "it is gone")
    other.leave()
    for _number in range(5):
        cached(house, FIRST)
    with pytest.raises((openai.APIError, httpx2.RemoteProtocolError)):
        one.to_its_end()
    eventually(lambda: bool(pids_of(house.directory / "h", "llama_cpp-mini") - {killed}), "it is there again")


def test_fewer_instances_leave_nothing_of_the_others(house: House) -> None:
    house.describe({"mini": {**MODEL, "instances": {"max": 1}}}, roles=ROLES)
    assert not (house.directory / "h/run/mini.2.sock").exists()
    assert not (house.directory / "h/services/llama_cpp-mini.2").exists()
    assert status(house)["instances"] == 1
    assert cached(house, SECOND) >= 0
