# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where more ask than a model has slots, nobody starves, and each key keeps within its limits."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest
from fakes.engine import Engine
from integration.gateway.description import DEADLINE, LIMITED_KEY, MESSAGES, SLOTS, Answer, Gateway, eventually

Who = tuple[str | None, str]
USER = "X-OpenWebUI-User-Id"


def _key(name: str) -> str:
    return f"sk-0123456789-{name}"


@contextmanager
def _waiting(gateway: Gateway, alpha: Engine, line: Sequence[Who]) -> Iterator[list[Answer]]:
    """All slots are taken, and these wait behind each other: a key, and the user that it names. Later they are let in."""
    alpha.go.clear()
    answers: list[Answer] = []
    threads = []

    def ask(key: str | None, user: str) -> None:
        body = {"model": "alpha", "messages": [{"role": "user", "content": f"{key} {user}"}]}
        answers.append(gateway.ask("POST", "/v1/chat/completions", body, key, {USER: user}))

    asked: Counter[str] = Counter()
    for key, user in [(None, "")] * SLOTS + list(line):
        threads.append(threading.Thread(target=ask, args=(key, user)))
        threads[-1].start()
        asked[_name(key)] += 1
        counted = f'hearth_requests_open{{key="{_name(key)}",model="alpha"}} {asked[_name(key)]}\n'
        eventually(partial(_is_counted, gateway, counted), "it is there")
    eventually(lambda: alpha.running == SLOTS, "the slots are taken")
    yield answers
    alpha.go.set()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}


def _is_counted(gateway: Gateway, line: str) -> bool:
    return line in gateway.metrics("/metrics/keys")


def _name(key: str | None) -> str:
    return {None: "all", LIMITED_KEY: "limited"}.get(key) or str(key).rpartition("-")[2]


def _order(alpha: Engine) -> list[str]:
    """Who came to the engine after those that had the slots."""
    return [request.body["messages"][0]["content"] for request in alpha.received[SLOTS:]]


def test_a_flood_does_not_keep_others_waiting(gateway: Gateway, alpha: Engine) -> None:
    with _waiting(gateway, alpha, [(None, ""), (None, ""), (None, ""), (LIMITED_KEY, "")]):
        pass
    # Two slots are free at the same moment: who of two comes first is chance.
    assert f"{LIMITED_KEY} " in _order(alpha)[:2]


def test_a_full_queue_has_a_place_for_those_who_have_nothing_under_way(gateway: Gateway, alpha: Engine) -> None:
    with _waiting(gateway, alpha, [(None, "")] * 4 + [(LIMITED_KEY, "")]):
        assert gateway.complete({"model": "alpha", "messages": MESSAGES}).error["code"] == "engine_overloaded"
    assert f"{LIMITED_KEY} " in _order(alpha)[:2]


def test_a_frontend_s_users_are_treated_like_users_with_keys(gateway: Gateway, alpha: Engine) -> None:
    chat = _key("chat")
    with _waiting(gateway, alpha, [(chat, "ann"), (chat, "ann"), (chat, "ann"), (chat, "ben")]):
        pass
    assert f"{chat} ben" in _order(alpha)[:2]


def test_a_key_that_may_not_name_users_cannot_pass_for_many(gateway: Gateway, alpha: Engine) -> None:
    with _waiting(gateway, alpha, [(None, "ann"), (None, "ben"), (None, "cid"), (LIMITED_KEY, "")]):
        pass
    assert f"{LIMITED_KEY} " in _order(alpha)[:2]
    assert USER not in alpha.received[0].headers


def test_batch_waits_for_interactive(gateway: Gateway, alpha: Engine) -> None:
    with _waiting(gateway, alpha, [(_key("nightly"), ""), (_key("nightly"), ""), (LIMITED_KEY, "")]):
        pass
    assert f"{LIMITED_KEY} " in _order(alpha)[:2]


def test_a_key_has_no_more_under_way_than_it_may(gateway: Gateway, beta: Engine) -> None:
    beta.go.clear()
    client = gateway.openai(_key("pair"))
    streams = [client.chat.completions.create(model="beta", messages=MESSAGES, stream=True) for _ in range(2)]
    answer = gateway.complete({"model": "beta", "messages": MESSAGES}, _key("pair"))
    assert (answer.status, answer.error["code"], answer.error["type"]) == (
        429,
        "concurrency_exceeded",
        "rate_limit_error",
    )
    assert answer.headers["Retry-After"]
    assert gateway.complete({"model": "beta", "messages": MESSAGES, "stream": True}, "sk-wrong").status == 401
    streams[0].close()
    beta.go.set()
    eventually(
        lambda: gateway.complete({"model": "beta", "messages": MESSAGES}, _key("pair")).status == 200,
        "the key may ask again",
    )


def test_a_key_asks_no_more_often_than_it_may(gateway: Gateway, beta: Engine) -> None:
    answers = [gateway.complete({"model": "beta", "messages": MESSAGES}, _key("slow")) for _ in range(6)]
    assert [answer.status for answer in answers][:3] == [200] * 3
    assert (answers[-1].status, answers[-1].error["code"]) == (429, "rate_limit_exceeded")
    assert int(answers[-1].headers["Retry-After"]) == 21
    # Who is refused does not wait longer for it.
    assert len(beta.received) <= 4


def test_an_answer_that_does_not_end_is_ended(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    began = time.monotonic()
    connection = gateway.connect()
    body = json.dumps({"model": "hasty", "messages": MESSAGES, "stream": True})
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {gateway.key}"})
    response = connection.getresponse()
    assert response.status == 200
    with pytest.raises((http.client.IncompleteRead, OSError)):
        response.read()
    assert DEADLINE <= time.monotonic() - began < DEADLINE + 30
    eventually(lambda: alpha.running == 0, "the engine has stopped")


def test_an_answer_that_does_not_begin_is_told_so(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    answer = gateway.complete({"model": "hasty", "messages": MESSAGES})
    assert (answer.status, answer.error["code"]) == (504, "gateway_timeout")
