# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is too long, too slow or not there, each with its error."""

from __future__ import annotations

import codecs
import gzip
import http.client
import json
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from fakes.engine import Engine
from integration.gateway.description import HASHED_KEY, LIMIT, MESSAGES, Gateway, eventually, quickest

# By which requests say how long an answer may be.
LONGEST = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")


@pytest.mark.parametrize("megabytes", [2, 40])
def test_a_body_that_is_too_long_is_refused_in_words_however_long_it_is(gateway: Gateway, megabytes: int) -> None:
    message: Any = {"role": "user", "content": "x" * megabytes * 1_000_000}
    with pytest.raises(openai.APIStatusError, match=str(LIMIT)) as refused:
        gateway.openai().chat.completions.create(model="alpha", messages=[message])
    assert (refused.value.status_code, refused.value.code) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ('"max_tokens":4096', '"max_tokens":500'),
        ('"max_tokens":-1', '"max_tokens":500'),
        ('"max_completion_tokens":1e9', '"max_completion_tokens":500'),
        ('"max_output_tokens":99999999999999999999', '"max_output_tokens":500'),
        (r'"max\u005ftokens":501', '"max_tokens":500'),
        ('"max_tokens":5,"max_tokens":501', '"max_tokens":500'),
        ('"n_predict":501,"max_tokens":7', '"n_predict":500,"max_tokens":7'),
    ],
)
def test_a_longer_answer_than_the_model_gives_is_lowered_and_the_client_is_told(
    gateway: Gateway, alpha: Engine, asked: str, told: str
) -> None:
    answer = gateway.complete('{"model":"alpha","messages":[],' + asked + "}")
    assert answer.status == 200
    assert answer.headers["X-Hearth-Lowered"] in ("max_tokens=500", *(f"{name}=500" for name in LONGEST))
    assert alpha.received[0].body == {"model": "alpha", "messages": [], **json.loads("{" + told + "}")}


@pytest.mark.parametrize(("asked", "told"), [("500.0", 500), ('"200"', 200), ("2e2", 200), ("null", None), ("0", 0)])
def test_a_number_is_told_the_engine_as_every_engine_reads_it(
    gateway: Gateway, alpha: Engine, asked: str, told: int | None
) -> None:
    answer = gateway.complete('{"model":"alpha","max_tokens":' + asked + "}")
    assert (answer.status, answer.headers["X-Hearth-Lowered"]) == (200, None)
    number = alpha.received[0].body["max_tokens"]
    assert (number, type(number)) == (told, type(told))


@pytest.mark.parametrize("number", ["true", "[9]", "{}", '"many"'])
def test_what_is_no_number_of_tokens_is_refused(gateway: Gateway, alpha: Engine, number: str) -> None:
    answer = gateway.complete('{"model":"alpha","max_completion_tokens":' + number + "}")
    assert (answer.status, answer.error["code"]) == (400, "max_tokens_too_large")
    assert "max_completion_tokens has to be a whole number" in answer.error["message"]
    assert alpha.received == []


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("chat/completions", {"n": 2}, "too_many_answers"),
        ("chat/completions", {"n": 2.0}, "too_many_answers"),
        ("completions", {"best_of": 9}, "too_many_answers"),
        ("completions", {"prompt": ["one", "two"]}, "too_many_answers"),
        ("completions", {"prompt": [[1, 2], [3]]}, "too_many_answers"),
        ("embeddings", {"input": ["x"] * 1025}, "too_many_inputs"),
        ("embeddings", {"input": ["x"] * 1025, "content": ["x", "y"]}, "too_many_inputs"),
    ],
)
def test_a_request_is_one_for_the_engine_too(
    gateway: Gateway, beta: Engine, path: str, asked: dict[str, Any], code: str
) -> None:
    # beta has no longest answer.
    answer = gateway.ask("POST", f"/v1/{path}", {"model": "beta", **asked})
    assert (answer.status, answer.error["code"]) == (400, code)
    assert beta.received == []


@pytest.mark.parametrize("prompt", ["one", ["one"], [1, 2, 3], []])
def test_one_prompt_is_one_however_it_is_written(gateway: Gateway, beta: Engine, prompt: Any) -> None:
    assert gateway.ask("POST", "/v1/completions", {"model": "beta", "prompt": prompt, "n": 1}).status == 200
    assert beta.received[0].body["prompt"] == prompt


@pytest.mark.usefixtures("as_it_was")
def test_only_so_many_long_requests_are_in_memory_at_a_time(gateway: Gateway, beta: Engine) -> None:
    body = {"model": "beta", "messages": [{"role": "user", "content": "x" * 1_100_000}]}
    gateway.describe(gateway_long_requests_max=3)

    def in_pieces() -> int:
        """A short one that does not say so beforehand."""
        connection = gateway.connect()
        headers = {"Authorization": f"Bearer {HASHED_KEY}"}
        pieces = iter([b'{"model":"beta",', b'"messages":[]}'])
        connection.request("POST", "/v1/chat/completions", pieces, headers, encode_chunked=True)
        return connection.getresponse().status

    beta.go.clear()
    with ThreadPoolExecutor(5) as clients:
        under_way = [clients.submit(gateway.complete, body)]
        eventually(lambda: beta.running == 1, "a long request is at the engine")
        # No key has more than half of the places.
        second = gateway.complete(body)
        assert (second.status, second.error["code"], second.headers["Retry-After"]) == (
            503,
            "too_many_long_requests",
            "5",
        )
        # One after another: until its end has come, each might be a long one.
        short = []
        for _client in range(3):
            short.append(clients.submit(in_pieces))
            eventually(lambda: beta.running == len(short) + 1, "the short one is at the engine")
        under_way.append(clients.submit(gateway.complete, body, HASHED_KEY))
        eventually(lambda: beta.running == 5, "a long one of another key is at the engine")
        beta.go.set()
        assert [one.result().status for one in under_way] + [one.result() for one in short] == [200] * 5
    # One that is refused gives its place back, and so does one whose client hangs up while it sends.
    for _client in range(3):
        assert gateway.complete({**body, "model": "nobody"}).status == 404
        connection = gateway.connect()
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Authorization", f"Bearer {gateway.key}")
        connection.putheader("Content-Length", "1100000")
        connection.endheaders(b'{"model":"beta",' + b" " * 200_000)
        connection.close()
    eventually(lambda: gateway.complete(body).status == 200, "there is a place")


@pytest.mark.usefixtures("as_it_was")
def test_a_client_may_be_silent_within_an_answer_longer_than_between_requests_and_not_for_ever(
    gateway: Gateway, beta: Engine
) -> None:
    gateway.describe(
        gateway_idle_timeout_seconds=1, gateway_request_timeout_seconds=2, gateway_client_timeout_seconds=7
    )
    # Longer than what the gateway's socket holds.
    texts, dimensions = 20, 100_000
    beta.dimensions = dimensions

    def reading() -> http.client.HTTPResponse:
        connection = gateway.connect()
        connection.connect()
        # Else the kernel takes the whole answer for it.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        asked = json.dumps({"model": "beta", "input": ["x"] * texts})
        connection.request("POST", "/v1/embeddings", asked, {"Authorization": f"Bearer {gateway.key}"})
        response = connection.getresponse()
        response.read(1000)
        return response

    def ended() -> int:
        return gateway.log.count("embeddings")

    try:
        before = ended()
        paused = reading()
        time.sleep(2.5)
        assert len(paused.read()) > texts * dimensions
        eventually(lambda: ended() == before + 1, "the log has come")
        stopped = reading()
        eventually(lambda: ended() == before + 2, "the answer is cut off")
        with pytest.raises((http.client.IncompleteRead, ssl.SSLEOFError)):
            stopped.read()
    finally:
        beta.dimensions = 1


def test_a_text_within_texts_is_read_as_fast_as_any_other(gateway: Gateway, alpha: Engine) -> None:
    # As agents send what they have written into a file of JSON.
    content = json.dumps(json.dumps('"' * 200_000))

    def ask() -> None:
        answer = gateway.complete({"model": "alpha", "messages": [{"role": "user", "content": content}]})
        assert (answer.status, alpha.received[-1].body["messages"][0]["content"]) == (200, content)

    assert quickest(ask, 3) < 3
    many = gateway.complete('{"model":"alpha"' + ',"a":1' * 10_000 + "}")
    assert (many.status, many.error["code"]) == (400, "too_many_members")


def test_a_body_that_does_not_say_its_length_is_limited_too(gateway: Gateway, alpha: Engine) -> None:
    connection = gateway.connect()
    pieces = (
        b'{"model":"alpha","messages":["' if number == 0 else b"x" * 65536 for number in range(2 + LIMIT // 65536)
    )
    headers = {"Authorization": f"Bearer {gateway.key}", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/chat/completions", pieces, headers, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert str(LIMIT) in json.loads(response.read())["error"]["message"]
    assert alpha.received == []


@pytest.mark.parametrize("padding", [0, 30_000])
def test_the_longest_body_that_is_allowed_passes_whole_or_in_pieces(
    gateway: Gateway, alpha: Engine, padding: int
) -> None:
    start, end = '{"messages":["', '"],"model":"alpha"}'
    body = (start + "x" * (LIMIT - len(start) - len(end)) + end).encode()
    headers = {"Authorization": f"Bearer {gateway.key}", "X-Padding": "x" * padding}
    assert gateway.ask("POST", "/v1/chat/completions", body, headers=headers).status == 200
    assert gateway.ask("POST", "/v1/chat/completions", body + b" ", headers=headers).status == 413
    connection = gateway.connect()
    pieces = (body[start : start + 1000] for start in range(0, len(body), 1000))
    connection.request(
        "POST", "/v1/chat/completions", pieces, headers | {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert connection.getresponse().status == 200
    assert len(alpha.received) == 2


def test_too_many_headers_are_refused(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/v1/chat/completions", {"model": "alpha"}, headers={"X-Padding": "x" * 33_000})
    assert (answer.status, answer.error["code"]) == (431, "headers_too_large")


def test_a_body_that_does_not_come_ends_in_time(gateway: Gateway, alpha: Engine) -> None:
    connection = gateway.connect()
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Authorization", f"Bearer {gateway.key}")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"model":"alpha"')
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["error"]["code"]) == (408, "request_timeout")
    assert alpha.received == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/health",
        "/slots",
        "/props",
        "/v1",
        "/v1/",
        "/v1/../models",
        "/v1%2Fmodels",
    ],
)
def test_a_closed_path_does_not_exist(gateway: Gateway, path: str) -> None:
    answer = gateway.ask("GET", path)
    assert answer.status == 404
    assert answer.error["type"] == "invalid_request_error"


def test_a_wrong_method_is_told_the_right_one(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/v1/chat/completions").headers["Allow"] == "POST"
    assert gateway.ask("DELETE", "/v1/models/alpha").headers["Allow"] == "GET"
    assert gateway.ask("OPTIONS", "/v1/chat/completions").error["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["//v1//models", "/v1/models/", "/v1/models///"])
def test_slashes_too_many_are_passed_over(gateway: Gateway, path: str) -> None:
    assert gateway.ask("GET", path).body == gateway.ask("GET", "/v1/models").body


def test_a_head_is_answered_like_a_get(gateway: Gateway) -> None:
    answer, whole = gateway.ask("HEAD", "/v1/models"), gateway.ask("GET", "/v1/models")
    assert (answer.status, answer.body) == (200, "")
    assert answer.headers["Content-Type"] == whole.headers["Content-Type"]


def test_a_body_that_is_not_sent_as_it_is_meant_is_told_so(gateway: Gateway, alpha: Engine) -> None:
    body = json.dumps({"model": "alpha", "messages": MESSAGES}).encode()
    zipped = gateway.ask("POST", "/v1/chat/completions", gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert (zipped.status, zipped.error["code"]) == (415, "compressed_body")
    marked = gateway.ask("POST", "/v1/chat/completions", codecs.BOM_UTF8 + body)
    assert (marked.status, marked.error["code"]) == (400, "byte_order_mark")
    assert alpha.received == []
