# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What engines see, and what happens when they are busy or down."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.engine import Engine
from integration.gateway.description import MESSAGES, SLOTS, Gateway, eventually, quickest


def test_an_engine_that_is_down_is_told_at_once(gateway: Gateway) -> None:
    def ask() -> None:
        answer = gateway.complete({"model": "gone", "messages": MESSAGES})
        assert (answer.status, answer.error["code"]) == (503, "service_unavailable")
        assert answer.headers["Retry-After"]

    assert quickest(ask, 1) < 1


def test_an_engine_that_loads_its_model_is_told_with_when_to_come_again(gateway: Gateway, alpha: Engine) -> None:
    alpha.is_loading = True
    answer = gateway.complete({"model": "alpha", "messages": MESSAGES})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "Loading model" in answer.body
    alpha.is_loading = False
    assert "Retry-After" not in gateway.complete({"model": "alpha", "messages": MESSAGES}).headers


def test_more_requests_than_slots_wait_in_the_gateway(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    with ThreadPoolExecutor(SLOTS + 4) as clients:
        answers = [clients.submit(gateway.complete, {"model": "alpha", "messages": MESSAGES}) for _ in range(SLOTS + 4)]
        waiting = 'haproxy_backend_current_queue{proxy="alpha"} 4'
        eventually(lambda: waiting in gateway.metrics("/metrics"), "the others wait")
        # With all others in the queue, no more than these can come.
        eventually(lambda: alpha.running == SLOTS, "the slots are taken")
        assert waiting in gateway.metrics("/metrics")
        alpha.go.set()
        assert {answer.result().status for answer in answers} == {200}


def test_a_full_queue_answers_429_and_a_long_wait_503(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    with ThreadPoolExecutor(SLOTS + 4 + 3) as clients:
        answers = [
            clients.submit(gateway.complete, {"model": "alpha", "messages": MESSAGES}) for _ in range(SLOTS + 4 + 3)
        ]
        eventually(
            lambda: sum(answer.done() for answer in answers) == 4 + 3, "those without a slot have been sent away"
        )
        alpha.go.set()
        ended = [answer.result() for answer in answers]
    assert sorted(answer.status for answer in ended) == [200] * SLOTS + [429] * 3 + [503] * 4
    for answer in ended:
        if answer.status != 200:
            assert answer.headers["Retry-After"]
            assert re.search(
                r" [0-4] requests were before it, for 2 slots, .*: its turn is to be expected after \d+ s\.",
                answer.error["message"],
            ) or (answer.status == 503 and "Try again later." in answer.error["message"])


def test_a_client_that_hangs_up_gives_its_slot_back_at_once(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    stream = gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    next(stream)
    stream.close()
    assert alpha.hung_up.wait(30)
    eventually(lambda: alpha.running == 0, "the engine has stopped")


def test_the_engine_sees_the_request_and_nothing_else_of_the_client(gateway: Gateway, alpha: Engine) -> None:
    spoofed = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Cookie": "session=1",
        "Origin": "https://evil.example",
        "X-Forwarded-For": "10.1.1.1",
        "X-Request-Id": "chosen",
        "Accept": "text/event-stream",
        # By this llama.cpp goes on for a client that is gone.
        "X-Conversation-Id": "1",
        "X-Nobody-Has-Thought-Of": "1",
        # What a request is a part of.
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = gateway.ask("POST", "/v1/chat/completions", {"model": "alpha", "messages": MESSAGES}, headers=spoofed)
    seen = alpha.received[0].headers
    assert {name.lower() for name in seen} <= {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "traceparent",
        "x-request-id",
    }
    assert seen["Accept"] == "text/event-stream"
    assert seen["Content-Type"] == "application/json"
    engine_key = (gateway.directory / "secrets" / "engine_key").read_text().strip()
    assert seen["Authorization"] == f"Bearer {engine_key}"
    assert seen["X-Request-Id"] == answer.headers["X-Request-Id"] != "chosen"
    assert not {"Server", "Access-Control-Allow-Origin"} & set(answer.headers)


@pytest.mark.usefixtures("as_it_was")
def test_an_engine_whose_api_begins_elsewhere_is_asked_there_by_the_same_paths(gateway: Gateway, beta: Engine) -> None:
    """As OpenVINO Model Server's, which begins with /v3. A client asks as ever, and what is asked is judged as ever."""
    other = {"addresses": [beta.address], "prefix": "/v3", "paths": ["/v1/chat/completions"]}
    gateway.describe(gateway_models={**gateway.models, "other": other})
    assert gateway.complete({"model": "other", "messages": MESSAGES}).status == 200
    assert beta.received[-1].path == "/v3/chat/completions"
    assert gateway.complete({"model": "beta", "messages": MESSAGES}).status == 200
    assert beta.received[-1].path == "/v1/chat/completions"
    refused = gateway.ask("POST", "/v1/embeddings", {"model": "other", "input": "x"})
    assert (refused.status, refused.error["code"]) == (400, "wrong_task")
    assert gateway.ask("POST", "/v3/chat/completions", {"model": "other", "messages": MESSAGES}).status == 404
