# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of every task on the real engine behind the real gateway: what they are asked, and what the engine makes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._completion.picture import data_url
from ansible_collections.hearth.llm.tools.hello_model import seer
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from ansible_collections.hearth.llm.tools.hello_model.overlap import overlap_model
from integration.conftest import PROJECT, Runner
from integration.gateway.description import eventually
from integration.real_house import House
from lab import packages

QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]


def models(origin: Path) -> dict[str, dict[str, Any]]:
    """hearth-mini, a model that sees, one that ranks and one that sleeps."""
    (origin / "seer").mkdir(parents=True)
    (origin / "seer/seer-Q4_K_M.gguf").write_bytes(seer.seeing_model())
    (origin / "seer/seer-Q8_0.gguf").write_bytes(seer.seeing_model("larger"))
    # Only the header says what this is.
    (origin / "seer/vision-F16.gguf").write_bytes(seer.projector())
    (origin / "ranker.gguf").write_bytes(overlap_model())
    (origin / "sleeper.gguf").write_bytes(hello_model("sleeper", "I was asleep."))
    return {
        "mini": {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 512, "slots": 2},
        "seer": {"source": f"file://{origin}/seer", "files": ["*Q4_K_M*", "vision-*"], "context_tokens": 512},
        "ranker": {"source": f"file://{origin}/ranker.gguf", "task": "rerank", "context_tokens": 256},
        "sleeper": {
            "source": f"file://{origin}/sleeper.gguf",
            "context_tokens": 512,
            "idle_unload_seconds": 1,
        },
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner) -> Iterator[House]:
    packages.provide("haproxy", "libgomp.so.1")
    directory = tmp_path_factory.mktemp("house")
    described = House(directory, module_playbook, models(directory / "origin"))
    described.describe()
    yield described
    described.describe(state="absent")


def see(house: House, colour: tuple[int, int, int], padding: int = 0) -> Any:
    head, _comma, data = data_url(colour).partition(",")
    # What stands behind the end of a picture, no reader of pictures looks at.
    padded = base64.b64encode(base64.b64decode(data) + bytes(padding)).decode()
    picture = {"type": "image_url", "image_url": {"url": f"{head},{padded}"}}
    asked: Any = [{"role": "user", "content": [{"type": "text", "text": "Which colour is it?"}, picture]}]
    return house.openai().chat.completions.create(model="seer", messages=asked, temperature=0)


def test_a_model_that_sees_tells_a_red_picture_from_a_blue_one(house: House) -> None:
    red, blue = see(house, (250, 10, 10)), see(house, (10, 10, 250))
    blind = house.openai().chat.completions.create(model="seer", messages=QUESTION, temperature=0)
    assert [answer.choices[0].message.content for answer in (red, blue, blind)] == [seer.RED, seer.BLUE, seer.NOTHING]
    told = house.told("seer")
    assert (Path(told["model"]).name, Path(told["mmproj"]).name) == ("seer-Q4_K_M.gguf", "vision-F16.gguf")
    assert "mmproj" not in house.told("mini")


def test_a_picture_of_megabytes_is_seen(house: House) -> None:
    answer = see(house, (250, 10, 10), padding=20_000_000)
    assert answer.choices[0].message.content == seer.RED


def test_documents_are_ranked_by_whatever_name_a_client_asks(house: House) -> None:
    documents = ["Bread is baked from flour.", "Paris is the capital of France.", "The moon is cold."]
    body = {"model": "ranker", "query": "What is the capital of France?", "documents": documents}
    for path in ("/v1/rerank", "/v2/rerank", "/rerank", "/v1/reranking"):
        status, answer = house.ask(path, body)
        assert status == 200, path
        ranked = sorted(answer["results"], key=lambda result: -result["relevance_score"])
        assert [result["index"] for result in ranked] == [1, 2, 0], answer
    assert "ranker" in [model.id for model in house.openai().models.list()]


def test_a_task_that_is_not_the_models_is_told_with_the_right_way(house: House) -> None:
    status, answer = house.ask("/v1/chat/completions", {"model": "ranker", "messages": QUESTION})
    assert (status, answer["error"]["code"]) == (400, "wrong_task")
    assert "for /v1/rerank" in answer["error"]["message"]
    status, answer = house.ask("/v1/rerank", {"model": "mini", "query": "x", "documents": ["y"]})
    assert (status, answer["error"]["code"]) == (400, "wrong_task")


# -- what a request may say of its answer


def complete(house: House, *, chat: bool, stream: bool, asked: str, **said: Any) -> tuple[str, str, list[Any]]:
    """Text, why it ended, and log probabilities, by one of the four ways in which clients ask."""
    body = {"model": "mini", "temperature": 0, "max_tokens": 24, "stream": stream, **said}
    client = house.openai()
    # What OpenAI does not know goes beside what it knows.
    extra = {key: body.pop(key) for key in ("grammar", "min_p", "repeat_penalty", "top_k") if key in body}
    if chat:
        answer: Any = client.chat.completions.create(
            messages=[{"role": "user", "content": asked}], extra_body=extra, **body
        )
    else:
        answer = client.completions.create(prompt=asked, extra_body=extra, **body)
    text, ended = "", ""
    logged: list[Any] = []
    for piece in answer if stream else [answer]:
        for choice in piece.choices:
            text += ((choice.delta if stream else choice.message).content if chat else choice.text) or ""
            ended = choice.finish_reason or ended
            logged += getattr(choice.logprobs, "content", None) or []
    return text, ended, logged


WAYS = [
    pytest.param(chat, stream, id=f"{'chat' if chat else 'completion'}{'-stream' if stream else ''}")
    for chat in (True, False)
    for stream in (False, True)
]
RED = " ".join(["red"] * 12)


@pytest.mark.parametrize(("chat", "stream"), WAYS)
def test_what_a_request_says_of_its_answer_reaches_the_engine(house: House, chat: bool, stream: bool) -> None:
    def said(**more: Any) -> tuple[str, str, list[Any]]:
        return complete(house, chat=chat, stream=stream, asked="Who are you?" if chat else RED, **more)

    plain, _ended, _logged = said()
    word = plain.split()[1]
    before, ended, _logged = said(stop=[word])
    assert (before, ended) == (plain.partition(word)[0], "stop")

    # What is unlikely is left in, for a model of this size is sure of itself.
    loose: dict[str, Any] = {"temperature": 2, "top_p": 1, "top_k": 0, "min_p": 0}
    answers = [said(seed=seed, **loose)[0] for seed in (7, 7, 8, 9)]
    assert answers[0] == answers[1]
    assert len(set(answers)) > 1

    first = said(max_tokens=1, logprobs=True, top_logprobs=2)[2] if chat else said(max_tokens=1, logprobs=2)[2]
    likely, unlikely = (
        one.logprob if chat else one["logprob"] for one in (first[0].top_logprobs if chat else first[0]["top_logprobs"])
    )
    assert unlikely < likely <= 0

    assert said(grammar='root ::= "yes" | "no"')[0] in ("yes", "no")

    for penalty, size in (("presence_penalty", 20), ("frequency_penalty", 20), ("repeat_penalty", 3)):
        # What says something twice says something else where that costs.
        assert said(**{penalty: size})[0] != plain, penalty


SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}, "large": {"type": "boolean"}},
    "required": ["city", "large"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_has_the_form_that_was_asked_for(house: House, stream: bool) -> None:
    asked, room = "What is the capital of France?", 200
    named = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}
    form, _ended, _logged = complete(
        house, chat=True, stream=stream, asked=asked, response_format=named, max_tokens=room
    )
    city = json.loads(form)
    assert set(city) == {"city", "large"}
    assert city["city"] in ("Paris", "Rome")
    assert isinstance(city["large"], bool)
    free, _ended, _logged = complete(
        house, chat=True, stream=stream, asked=asked, response_format={"type": "json_object"}, max_tokens=room
    )
    assert isinstance(json.loads(free), dict)


def test_an_idle_model_gives_its_memory_back_and_comes_again_with_the_next_request(house: House) -> None:
    def say() -> str:
        answer = house.openai().chat.completions.create(model="sleeper", messages=QUESTION, temperature=0)
        return str(answer.choices[0].message.content)

    assert house.told("sleeper")["sleep-idle-seconds"] == 1
    assert say() == "I was asleep."
    for _time in range(2):
        eventually(lambda: house.properties("sleeper")["is_sleeping"], "the model is unloaded")
        assert say() == "I was asleep."
    assert not house.properties("mini")["is_sleeping"]
