# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key reaches the models that it may use, and there is no way around."""

from __future__ import annotations

import os
import pwd
import time
from datetime import UTC, datetime

import openai
import pytest
from fakes.engine import Engine
from integration.gateway.description import HASH, HASHED_KEY, LIMITED_KEY, MESSAGES, Gateway, eventually


@pytest.mark.parametrize("key", ["sk-wrong", "", HASH])
def test_a_wrong_key_is_told_so(gateway: Gateway, key: str) -> None:
    answer = gateway.complete({"model": "alpha", "messages": MESSAGES}, key)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_key_nothing_is_open(gateway: Gateway) -> None:
    connection = gateway.connect()
    connection.request("GET", "/v1/models")
    assert connection.getresponse().status == 401


def test_the_openai_client_understands_the_errors(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError, match="not valid"):
        gateway.openai("sk-wrong").models.list()
    with pytest.raises(openai.NotFoundError) as not_found:
        gateway.openai().chat.completions.create(model="delta", messages=MESSAGES)
    assert (not_found.value.code, not_found.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("header", ["X-Api-Key", "api-key"])
def test_a_key_may_come_as_clients_of_other_apis_send_it(gateway: Gateway, header: str) -> None:
    def status(*headers: tuple[str, str]) -> int:
        connection = gateway.connect()
        connection.putrequest("GET", "/v1/models")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status

    bearer = ("Authorization", f"Bearer {gateway.key}")
    assert status((header, gateway.key)) == 200
    assert status((header, gateway.key), bearer) == 200
    assert status((header, "sk-wrong")) == 401
    assert status((header, "sk-wrong"), ("Authorization", "Basic eDp5")) == 401
    # The better of two is nobody's choice.
    assert status((header, LIMITED_KEY), bearer) == 400
    assert status((header, gateway.key), (header, LIMITED_KEY)) == 400
    assert status(bearer, ("Authorization", f"Bearer {LIMITED_KEY}")) == 400


def test_a_key_given_as_a_hash_works(gateway: Gateway) -> None:
    assert gateway.complete({"model": "beta", "messages": MESSAGES}, HASHED_KEY).status == 200


def test_a_key_that_has_expired_is_told_so(gateway: Gateway) -> None:
    answer = gateway.ask("GET", "/v1/models", key="sk-0123456789-former")
    assert (answer.status, answer.error["code"]) == (401, "expired_api_key")


@pytest.mark.usefixtures("as_it_was")
def test_a_key_expires_without_a_new_run_and_lies_where_only_its_owner_reads_it(gateway: Gateway) -> None:
    path = gateway.directory / "handed-over"
    user = pwd.getpwuid(os.geteuid()).pw_name

    def describe(seconds: float) -> None:
        moment = datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()
        guest = {"name": "guest", "expires": moment, "hand_over": {"path": str(path), "owner": user}}
        gateway.describe(gateway_api_keys=[{"name": "all"}, guest], hearth_accept_removals=["api_keys"])

    began = time.monotonic()
    describe(600)
    key = path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o400
    assert gateway.ask("GET", "/v1/models", key=key).status == 200
    # As long as a run takes here, and a little.
    describe(time.monotonic() - began + 3)
    eventually(lambda: gateway.ask("GET", "/v1/models", key=key).status == 401, "the key has expired", 120)
    assert gateway.ask("GET", "/v1/models", key=key).error["code"] == "expired_api_key"


def test_a_key_reads_only_the_models_that_it_may_use(gateway: Gateway) -> None:
    assert [model.id for model in gateway.openai().models.list()] == ["alpha", "beta", "gone", "hasty"]
    assert [model.id for model in gateway.openai(LIMITED_KEY).models.list()] == ["alpha"]
    assert gateway.openai(LIMITED_KEY).models.retrieve("alpha").id == "alpha"


def test_a_model_of_others_looks_like_one_that_does_not_exist(gateway: Gateway, beta: Engine) -> None:
    foreign = gateway.complete({"model": "beta", "messages": MESSAGES}, LIMITED_KEY)
    unknown = gateway.complete({"model": "delta", "messages": MESSAGES}, LIMITED_KEY)
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body)
    assert (foreign.status, foreign.error["code"]) == (404, "model_not_found")
    assert gateway.ask("GET", "/v1/models/beta", key=LIMITED_KEY).body == unknown.body
    assert beta.received == []


@pytest.mark.parametrize(
    "body",
    [
        # An engine that serves many models takes the last of two, the gateway's own search the first.
        '{"model":"alpha","messages":[],"model":"beta"}',
        '{"model":"beta","messages":[],"model":"alpha"}',
        r'{"model":"alpha","messages":[],"mod\u0065l":"beta"}',
        r'{"\u006D\u006f\u0064\u0065\u006C":"beta","model":"alpha"}',
        '{"model":true,"model"\n:\t"beta"}',
        '{"model":"alpha","messages":["' + "x" * 900_000 + '"],"model":"beta"}',
        '{"model":"alpha","x":"\\\\","model":"beta"}',
    ],
)
def test_a_body_cannot_name_one_model_to_the_gateway_and_another_to_the_engine(
    gateway: Gateway, alpha: Engine, beta: Engine, body: str
) -> None:
    answer = gateway.complete(body, LIMITED_KEY)
    assert (answer.status, answer.error["code"]) == (400, "ambiguous_model")
    assert alpha.received + beta.received == []


def test_the_query_cannot_name_another_model(gateway: Gateway, alpha: Engine) -> None:
    gateway.ask("POST", "/v1/chat/completions?model=beta", {"model": "alpha", "messages": []}, LIMITED_KEY)
    assert alpha.received[0].path == "/v1/chat/completions"


NESTED = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "rent",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "model": {"type": "string", "default": "T", "enum": ["T", "A"]},
                        "n": {"type": "integer", "default": 5},
                        "max_tokens": {"const": 9000},
                        "phone": True,
                    },
                    "required": ["model"],
                    "examples": [{"model": "T", "n": 3, "max_tokens": 9000}],
                    "dependentRequired": {"model": ["n"]},
                },
            },
        }
    ],
    "response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": {"model": True}}}},
    "messages": [
        {"role": "user", "content": 'What is {"model": "beta", "model": "gamma"}? \\"n\\": 7', "model": "beta"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "rent", "arguments": {"model": "T", "n": 4}}}]},
    ],
    "metadata": {"model": "beta", "n": 9},
    "fallbacks": [{"model": "beta"}],
    "chat_template_kwargs": {"model": "beta"},
    "reasoning": {"max_tokens": 100_000},
}


def test_what_stands_below_the_top_is_nobodys_model_and_nobodys_number(gateway: Gateway, alpha: Engine) -> None:
    body = {**NESTED, "model": "alpha", "max_tokens": 20, "n": 1}
    assert gateway.complete(body).status == 200
    assert alpha.received[0].body == body


def test_the_same_model_twice_is_one(gateway: Gateway, alpha: Engine) -> None:
    assert gateway.complete(r'{"model":"alpha","messages":[],"mod\u0065l":"\u0061lpha"}').status == 200
    assert alpha.received[0].body == {"model": "alpha", "messages": []}


@pytest.mark.parametrize(
    "body", ["{}", '{"model":""}', '{"model":null}', '{"model":7}', '{"model":["alpha"]}', '{"x":{"model":{}}}']
)
def test_a_request_without_a_model_is_told_what_is_missing(gateway: Gateway, body: str) -> None:
    answer = gateway.complete(body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "missing_model", "model")


@pytest.mark.parametrize(
    "body", ["", "[]", "no json", '[{"model":"alpha"}]', '{"model":"alpha"}{"model":"beta"}', '{"model":"alpha"}\0']
)
def test_what_is_no_object_is_told_so(gateway: Gateway, alpha: Engine, body: str) -> None:
    answer = gateway.complete(body)
    assert (answer.status, answer.error["code"]) == (400, "no_object")
    assert alpha.received == []
