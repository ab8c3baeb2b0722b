# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients on the network get: TLS by the private authority, their models, and an error in OpenAI's shape."""

from __future__ import annotations

import pytest
from lab.service import Service
from openai.types.chat import ChatCompletionMessageParam

WORDS = {
    "alpha": "I am alpha, and I was here first.",
    "beta": "I am beta, and I wait for nobody.",
    "gamma": "I am gamma, and I come when I am called.",
}
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Who are you?"}]


@pytest.mark.parametrize("model", ["alpha", "beta", "gamma"])
def test_each_model_answers_for_itself(service: Service, model: str) -> None:
    answer = service.openai("everything").chat.completions.create(model=model, messages=HELLO)
    assert answer.choices[0].message.content == WORDS[model]
    assert answer.choices[0].finish_reason == "stop"


def test_a_streamed_answer_arrives_in_pieces(service: Service) -> None:
    stream = service.openai("everything").chat.completions.create(model="alpha", messages=HELLO, stream=True)
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(pieces) == WORDS["alpha"]
    assert len(pieces) > 3


def test_the_model_is_found_behind_a_long_conversation(service: Service) -> None:
    body = {"messages": [{"role": "user", "content": "word " * 180_000}], "model": "beta", "max_tokens": 1}
    response = service.http(service.key("everything")).post("chat/completions", json=body)
    # Routed to the engine, which cannot hold that much: not refused for its size, nor for want of a model.
    assert response.status_code == 400
    assert "context" in response.json()["error"]["message"]


def test_a_key_sees_and_uses_only_its_own_models(service: Service) -> None:
    assert {model.id for model in service.openai("everything").models.list()} == set(WORDS)
    assert {model.id for model in service.openai("only-alpha").models.list()} == {"alpha"}
    body = {"model": "beta", "messages": HELLO}
    response = service.http(service.key("only-alpha")).post("chat/completions", json=body)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "status", "code"),
    [
        pytest.param("POST", "chat/completions", {"model": "alpha", "messages": HELLO}, "", 401, None, id="no key"),
        pytest.param("POST", "chat/completions", {"model": "alpha"}, "wrong", 401, "invalid_api_key", id="wrong key"),
        pytest.param("POST", "chat/completions", {"model": "delta"}, "everything", 404, "model_not_found", id="model"),
        pytest.param("POST", "chat/completions", {"x": "." * 30_000_000}, "everything", 413, None, id="30 MB"),
        pytest.param("GET", "../slots", None, "everything", 404, None, id="closed path"),
        pytest.param("GET", "../metrics", None, "everything", 404, None, id="metrics from outside"),
    ],
)
def test_what_is_refused_is_refused_in_words(
    service: Service, method: str, path: str, body: object, key: str, status: int, code: str | None
) -> None:
    text = service.key(key) if key == "everything" else key
    response = service.http(text).request(method, path, json=body)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["message"]
    assert error["type"]
    assert code is None or error["code"] == code
