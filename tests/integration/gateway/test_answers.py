# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients get."""

from __future__ import annotations

import json
import threading

from fakes.engine import WORDS, Engine
from integration.gateway.description import CLIENT_TIMEOUT, LIMIT, MESSAGES, Gateway


def test_the_openai_client_gets_its_answer_through_tls(gateway: Gateway) -> None:
    completion = gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES)
    assert completion.choices[0].message.content == "one two three"


def test_a_stream_arrives_while_it_is_made(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    stream = gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    assert next(stream).choices[0].delta.content == "one"
    assert alpha.running == 1, "the engine has ended before its first word was here"
    alpha.go.set()
    assert [chunk.choices[0].delta.content for chunk in stream] == ["two", "three"]


def test_an_engine_may_think_longer_than_a_client_may_idle(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    threading.Timer(CLIENT_TIMEOUT + 1, alpha.go.set).start()
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200


def test_one_connection_serves_many_streams(gateway: Gateway) -> None:
    client = gateway.openai()
    for _ in range(20):
        stream = client.chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
        assert [chunk.choices[0].delta.content for chunk in stream] == list(WORDS)


def test_embeddings_are_open_too(gateway: Gateway) -> None:
    assert gateway.openai().embeddings.create(model="beta", input="x", encoding_format="float").data[0].embedding == [
        0.5
    ]


def test_where_no_model_ranks_documents_there_is_no_such_path(gateway: Gateway) -> None:
    for path in ("/v1/rerank", "/v2/rerank", "/rerank"):
        answer = gateway.ask("POST", path, {"model": "beta", "query": "x", "documents": ["y"]})
        assert (answer.status, answer.error["code"]) == (404, "not_found"), path


def test_each_request_goes_to_the_engine_of_its_model(gateway: Gateway, alpha: Engine, beta: Engine) -> None:
    gateway.complete({"model": "beta", "messages": MESSAGES})
    assert (len(alpha.received), len(beta.received)) == (0, 1)


def test_the_model_is_found_behind_900_kilobytes_of_messages(gateway: Gateway, beta: Engine) -> None:
    messages = [{"role": "user", "content": '{"model": "alpha"} \\ \n' * 33_000}]
    body = {"messages": messages, "model": "beta"}
    assert 900_000 < len(json.dumps(body)) < LIMIT
    assert gateway.complete(body).status == 200
    assert beta.received[0].body == body
