# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream that waits is given comments where that is wanted, so that no proxy before the gateway takes it for dead."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes.engine import WORDS, Engine
from integration.gateway.description import MESSAGES, QUEUE_TIMEOUT, SLOTS, Gateway, eventually
from integration.gateway.test_usage import more, used


@pytest.fixture(scope="module")
def commenting(running: Gateway) -> Iterator[Gateway]:
    running.describe(gateway_comment_seconds=1)
    yield running
    running.describe()


@pytest.fixture
def patient(commenting: Gateway, gateway: Gateway) -> Gateway:
    """With engines that rest."""
    assert commenting is gateway
    return gateway


class Stream:
    """A stream, read as it comes. Closed, it hangs up."""

    def __init__(self, gateway: Gateway, model: str = "alpha") -> None:
        self._connection = gateway.connect()
        body = json.dumps({"model": model, "messages": MESSAGES, "stream": True})
        self._connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {gateway.key}"})

    def response(self) -> http.client.HTTPResponse:
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.sock.close()
        self._connection.close()


@contextlib.contextmanager
def all_slots_taken(gateway: Gateway, alpha: Engine) -> Iterator[None]:
    alpha.go.clear()
    with ThreadPoolExecutor(SLOTS) as clients:
        others = [clients.submit(gateway.complete, {"model": "alpha", "messages": MESSAGES}) for _ in range(SLOTS)]
        eventually(lambda: alpha.running == SLOTS, "the slots are taken")
        yield
        alpha.go.set()
        assert [other.result().status for other in others] == [200] * SLOTS


def waiting(gateway: Gateway) -> int:
    found = [line for line in gateway.metrics("/metrics").splitlines() if 'current_queue{proxy="alpha"}' in line]
    return int(float(found[0].rpartition(" ")[2]))


def test_whoever_waits_for_a_turn_hears_comments_and_then_the_answer(patient: Gateway, alpha: Engine) -> None:
    before = used(patient)
    with all_slots_taken(patient, alpha):
        hasty = Stream(patient)
        assert hasty.response().readline() == b": waiting\n"
        hasty.close()
        eventually(lambda: waiting(patient) == 0, "who hung up waits no more")
        response = Stream(patient).response()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        assert response.headers["X-Request-Id"]
        heard = [response.readline() for _ in range(4)]
        assert heard == [b": waiting\n", b"\n"] * 2
        assert waiting(patient) == 1
    said = [json.loads(line[6:]) for line in response.read().splitlines() if line.startswith(b"data: {")]
    assert [one["choices"][0]["delta"]["content"] for one in said if one["choices"]] == list(WORDS)
    assert 'hearth_answers_total{key="all",model="alpha",status="200"}' in patient.metrics("/metrics/keys")
    # Whoever has only waited has used nothing.
    eventually(
        lambda: more(before, used(patient)).get(("all", None, "alpha"), (0,))[0] == SLOTS + 1,
        "those who were answered count",
    )


def test_the_log_says_of_who_has_heard_comments_how_long_he_has_waited_and_who_has_answered(
    patient: Gateway, alpha: Engine
) -> None:
    with all_slots_taken(patient, alpha):
        response = Stream(patient).response()
        assert response.readline() == b": waiting\n"
    response.read()
    asked = f'"of":"{response.headers["X-Request-Id"]}"'
    eventually(lambda: asked in patient.log, "the log has come")
    entry = json.loads(next(line for line in patient.log.splitlines() if asked in line))
    assert (entry["server"], entry["status"]) == ("engine", 200)
    assert entry["ms_queued"] >= 900


def test_clients_pass_over_the_comments(patient: Gateway, alpha: Engine) -> None:
    def read() -> list[str | None]:
        stream = patient.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
        return [chunk.choices[0].delta.content for chunk in stream if chunk.choices]

    with ThreadPoolExecutor(1) as client:
        with all_slots_taken(patient, alpha):
            answer = client.submit(read)
            eventually(lambda: waiting(patient) == 1, "it waits")
            # Who came later has heard a comment, and so has the first.
            assert Stream(patient).response().readline() == b": waiting\n"
        assert answer.result() == list(WORDS)


def test_what_comes_at_once_is_as_it_would_be_without(patient: Gateway, alpha: Engine) -> None:
    before = used(patient)

    def at_once(model: str) -> tuple[http.client.HTTPResponse, bytes, int]:
        """And how often it was asked until the machine had time to answer before a comment is due."""
        number, began = 0, 0.0
        while number == 0 or (time.monotonic() - began >= 1 and number < 9):
            number, began = number + 1, time.monotonic()
            response = Stream(patient, model).response()
            text = response.read()
        return response, text, number

    response, text, asked = at_once("alpha")
    assert (response.status, b"waiting" in text) == (200, False)
    down, text, _asked = at_once("gone")
    assert (down.status, down.headers["Retry-After"]) == (503, "5")
    assert json.loads(text)["error"]["code"] == "service_unavailable"
    patient.complete({"model": "alpha", "messages": MESSAGES})
    each = [(asked + 1, 0)]
    eventually(lambda: [sums[:2] for sums in more(before, used(patient)).values()] == each, "each is counted, once")
    assert [request.body.get("stream", False) for request in alpha.received] == [True] * asked + [False]
    assert not [name for name in alpha.received[0].headers if name.lower().startswith("x-hearth")]


def test_a_wait_in_vain_is_told_as_an_event(patient: Gateway, alpha: Engine) -> None:
    with all_slots_taken(patient, alpha):
        lines = Stream(patient).response().read().splitlines()
    error: dict[str, Any] = json.loads(lines[-2].removeprefix(b"data: "))["error"]
    assert lines[0] == b": waiting"
    assert error["code"] == "service_unavailable"


def test_whoever_hangs_up_while_waiting_or_reading_is_not_served_on(patient: Gateway, alpha: Engine) -> None:
    with all_slots_taken(patient, alpha):
        stream = Stream(patient)
        eventually(lambda: waiting(patient) == 1, "it waits")
        stream.close()
        eventually(lambda: waiting(patient) == 0, "its place is free", QUEUE_TIMEOUT - 2)
    alpha.go.clear()
    reading = Stream(patient)
    reading.response().readline()
    reading.close()
    assert alpha.hung_up.wait(30)


def test_whoever_hangs_up_at_once_is_under_way_no_more(patient: Gateway) -> None:
    # HAProxy 3 forgot one in ten of those who did so while their requests were being taken.
    for number in range(40):
        hasty = Stream(patient, "beta")
        time.sleep(number % 10 * 0.004)
        hasty.close()
    eventually(lambda: patient.rests, "nobody is under way")


def test_what_is_no_stream_is_given_no_comments(patient: Gateway, alpha: Engine) -> None:
    body = {"model": "alpha", "input": "x", "stream": True}
    with ThreadPoolExecutor(1) as client:
        with all_slots_taken(patient, alpha):
            answer = client.submit(patient.ask, "POST", "/v1/embeddings", body)
            eventually(lambda: waiting(patient) == 1, "it waits")
            time.sleep(1.5)
        assert answer.result().headers["Content-Type"] == "application/json"
        assert json.loads(answer.result().body)["data"][0]["embedding"] == [0.5]


def test_an_answer_in_one_piece_to_who_has_heard_comments_is_one_event(patient: Gateway, alpha: Engine) -> None:
    alpha.streams = False
    body = {"model": "alpha", "messages": MESSAGES, "stream": True}
    with ThreadPoolExecutor(1) as client:
        with all_slots_taken(patient, alpha):
            answer = client.submit(patient.ask, "POST", "/v1/chat/completions", body)
            eventually(lambda: waiting(patient) == 1, "it waits")
            # Who came later has heard a comment, and so has the first.
            other = Stream(patient)
            assert other.response().readline() == b": waiting\n"
            other.close()
        *comments, event, _end = answer.result().body.splitlines()
    assert set(comments) == {": waiting", ""}
    assert json.loads(event.removeprefix("data: "))["choices"][0]["message"]["content"] == " ".join(WORDS)
