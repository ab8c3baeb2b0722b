# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is too long, too slow or not there, each with its error."""

from __future__ import annotations

import codecs
import gzip
import json

import openai
import pytest
from fakes.engine import Engine
from integration.gateway.description import LIMIT, LONGEST_ANSWER, MESSAGES, Gateway


def test_a_body_of_two_megabytes_is_refused_with_the_limit(gateway: Gateway) -> None:
    with pytest.raises(openai.APIStatusError, match=str(LIMIT)) as refused:
        gateway.openai().chat.completions.create(model="alpha", messages=[{"role": "user", "content": "x" * 2_000_000}])
    assert (refused.value.status_code, refused.value.code) == (413, "request_too_large")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens", "n_predict"])
def test_nobody_may_ask_for_a_longer_answer_than_the_model_gives(gateway: Gateway, alpha: Engine, field: str) -> None:
    def ask(tokens: int) -> openai.types.chat.ChatCompletion:
        return gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES, extra_body={field: tokens})

    with pytest.raises(openai.BadRequestError, match=str(LONGEST_ANSWER)) as refused:
        ask(LONGEST_ANSWER + 1)
    assert (refused.value.code, refused.value.param) == ("max_tokens_too_large", field)
    assert alpha.received == []
    assert ask(LONGEST_ANSWER).choices


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"model":"alpha","max_tokens":5,"max_tokens":501}', "max_tokens_too_large"),
        ('{"model":"alpha","max_tokens":1e9}', "max_tokens_too_large"),
        ('{"model":"alpha","max_tokens":-1}', "max_tokens_too_large"),
        (r'{"model":"alpha","max\u005ftokens":501}', "max_tokens_too_large"),
        ('{"model":"alpha","max_tokens":500,"n":2}', "one_answer_only"),
        ('{"model":"alpha","best_of":9}', "one_answer_only"),
    ],
)
def test_the_longest_answer_cannot_be_dodged(gateway: Gateway, alpha: Engine, body: str, code: str) -> None:
    answer = gateway.complete(body)
    assert (answer.status, answer.error["code"]) == (400, code)
    assert alpha.received == []


def test_a_body_that_does_not_say_its_length_is_limited_too(gateway: Gateway, alpha: Engine) -> None:
    connection = gateway.connect()
    pieces = (
        b'{"model":"alpha","messages":["' if number == 0 else b"x" * 65536 for number in range(1 + LIMIT // 65536)
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
