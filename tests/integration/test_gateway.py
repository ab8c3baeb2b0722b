# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway as the role makes it: a real HAProxy under the provider process, in front of engines that do what a test says."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from fakes.engine import WORDS, Engine

# Another HAProxy than the distribution's can be put to the same test.
HAPROXY = os.environ.get("HEARTH_TEST_HAPROXY", "/usr/sbin/haproxy")
LIMIT = 1048576
LIMITED_KEY = "sk-limited-0123456789"
HASHED_KEY = "sk-hashed-0123456789"
HASH = (
    subprocess.run(["sha256sum"], input=HASHED_KEY.encode(), capture_output=True, check=True).stdout.split()[0].decode()
)
SLOTS = 2
MESSAGES: Any = [{"role": "user", "content": "Count to three."}]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.01)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def error(self) -> dict[str, Any]:
        """The error, which has to be in OpenAI's shape."""
        assert self.headers["Content-Type"] == "application/json"
        error = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return dict(error)


class Gateway:
    def __init__(self, directory: Path, run_playbook: Any, alpha: Engine, beta: Engine) -> None:
        self.directory = directory
        self.port, self.metrics_port, self.redirect_port = free_port(), free_port(), free_port()
        self._run_playbook = run_playbook
        self.models = {
            "alpha": {"address": alpha.address, "slots": SLOTS},
            "beta": {"address": beta.address},
            "gone": {"address": f"127.0.0.1:{free_port()}"},
        }

    def describe(self, *options: str, succeeds: bool = True, **variables: Any) -> Any:
        """Runs the roles on this description."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "hearth_runtime": "process",
                "hearth_directory": str(self.directory / "h"),
                "gateway_program": HAPROXY,
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "gateway_address": "127.0.0.1",
                "gateway_port": self.port,
                "gateway_metrics_port": self.metrics_port,
                "gateway_redirect_port": self.redirect_port,
                "gateway_models": self.models,
                "gateway_api_keys": [
                    {"name": "all"},
                    {"name": "limited", "key": LIMITED_KEY, "models": ["alpha"]},
                    {"name": "hashed", "sha256": HASH, "models": ["beta", "gone"]},
                ],
                "gateway_queue_length": 4,
                "gateway_queue_timeout_seconds": 2,
                "gateway_request_timeout_seconds": 2,
                "gateway_idle_timeout_seconds": 2,
                **variables,
            },
            "roles": ["hearth.llm.certificates", "hearth.llm.gateway"],
        }
        return self._run_playbook([play], *options, succeeds=succeeds)

    @property
    def key(self) -> str:
        return (self.directory / "secrets" / "api_keys" / "all").read_text().strip()

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.directory / "secrets" / "tls" / "ca.pem")

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=20)

    def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; `body` is sent as it is when it is text or bytes, and as JSON otherwise."""
        connection = self.connect()
        authorization = {"Authorization": f"Bearer {self.key if key is None else key}"}
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        connection.request(method, path, data, {**authorization, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())

    def complete(self, body: Any, key: str | None = None) -> Answer:
        return self.ask("POST", "/v1/chat/completions", body, key)

    def openai(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"https://localhost:{self.port}/v1",
            api_key=key or self.key,
            http_client=openai.DefaultHttpxClient(verify=self.tls),
            max_retries=0,
        )

    def metrics(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    @property
    def log(self) -> str:
        return (self.directory / "h" / "services" / "gateway" / "service.log").read_text()


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[Engine, Engine]]:
    with Engine() as alpha, Engine() as beta:
        yield alpha, beta


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, module_playbook: Any, engines: tuple[Engine, Engine]
) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), module_playbook, *engines)
    dry = gateway.describe("--check", "--diff")
    assert not (gateway.directory / "h").exists(), "a dry run wrote something on the host"
    assert not (gateway.directory / "secrets").exists(), "a dry run wrote something on the controller"
    assert LIMITED_KEY not in dry.words
    gateway.describe()
    yield gateway
    gateway.describe(gateway_state="absent")


@pytest.fixture
def gateway(running: Gateway, engines: tuple[Engine, Engine]) -> Gateway:
    for engine in engines:
        engine.go.set()
    eventually(lambda: sum(engine.running for engine in engines) == 0, "the engines rest")
    for engine in engines:
        engine.forget()
    return running


@pytest.fixture
def alpha(engines: tuple[Engine, Engine]) -> Engine:
    return engines[0]


@pytest.fixture
def beta(engines: tuple[Engine, Engine]) -> Engine:
    return engines[1]


# The role


def test_a_second_run_changes_nothing(gateway: Gateway) -> None:
    assert gateway.describe().changed == 0
    assert gateway.describe("--check", "--diff").changed == 0


# What clients get


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
    threading.Timer(3, alpha.go.set).start()
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


def test_each_request_goes_to_the_engine_of_its_model(gateway: Gateway, alpha: Engine, beta: Engine) -> None:
    gateway.complete({"model": "beta", "messages": MESSAGES})
    assert (len(alpha.received), len(beta.received)) == (0, 1)


def test_the_model_is_found_behind_900_kilobytes_of_messages(gateway: Gateway, beta: Engine) -> None:
    messages = [{"role": "user", "content": '{"model": "alpha"} \\ \n' * 33_000}]
    body = {"messages": messages, "model": "beta"}
    assert 900_000 < len(json.dumps(body)) < LIMIT
    assert gateway.complete(body).status == 200
    assert beta.received[0].body == body


# Keys and models


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


def test_a_key_given_as_a_hash_works(gateway: Gateway) -> None:
    assert gateway.complete({"model": "beta", "messages": MESSAGES}, HASHED_KEY).status == 200


def test_a_key_reads_only_the_models_that_it_may_use(gateway: Gateway) -> None:
    assert [model.id for model in gateway.openai().models.list()] == ["alpha", "beta", "gone"]
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
        '{"model":"alpha"}{"model":"beta"}',
        '{"model":"alpha","messages":["' + "x" * 900_000 + '"],"model":"beta"}',
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


def test_tools_and_messages_may_speak_of_models(gateway: Gateway, alpha: Engine) -> None:
    body = {
        "tools": [
            {
                "type": "function",
                "function": {"parameters": {"properties": {"model": {"type": "string"}}, "required": ["model"]}},
            }
        ],
        "messages": [{"role": "user", "content": 'What is {"model": "beta", "model": "gamma"}?'}],
        "model": "alpha",
    }
    assert gateway.complete(body).status == 200
    assert alpha.received[0].body == body


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "no json", '{"model":""}', '{"model":null}', '{"x":{"model":{}}}', '[{"model":"alpha"}]']
)
def test_a_request_without_a_model_is_told_what_is_missing(gateway: Gateway, body: str) -> None:
    answer = gateway.complete(body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "missing_model", "model")


# Limits


def test_a_body_of_two_megabytes_is_refused_with_the_limit(gateway: Gateway) -> None:
    with pytest.raises(openai.APIStatusError, match=str(LIMIT)) as refused:
        gateway.openai().chat.completions.create(model="alpha", messages=[{"role": "user", "content": "x" * 2_000_000}])
    assert (refused.value.status_code, refused.value.code) == (413, "request_too_large")


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
        "/v1/models/",
        "/v1/chat/completions/",
        "//v1/models",
        "/v1/../models",
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


# Engines


def test_an_engine_that_is_down_is_told_at_once(gateway: Gateway) -> None:
    began = time.monotonic()
    answer = gateway.complete({"model": "gone", "messages": MESSAGES})
    assert (answer.status, answer.error["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"]
    assert time.monotonic() - began < 1


def test_more_requests_than_slots_wait_in_the_gateway(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    with ThreadPoolExecutor(SLOTS + 4) as clients:
        answers = [clients.submit(gateway.complete, {"model": "alpha", "messages": MESSAGES}) for _ in range(SLOTS + 4)]
        waiting = 'haproxy_backend_current_queue{proxy="alpha"} 4'
        eventually(lambda: waiting in gateway.metrics("/metrics"), "the others wait")
        assert alpha.running == SLOTS
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
    assert all(answer.headers["Retry-After"] for answer in ended if answer.status != 200)


def test_a_client_that_hangs_up_gives_its_slot_back_at_once(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    stream = gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    next(stream)
    stream.close()
    assert alpha.hung_up.wait(5)
    eventually(lambda: alpha.running == 0, "the engine has stopped")


def test_the_engine_sees_the_request_and_nothing_else_of_the_client(gateway: Gateway, alpha: Engine) -> None:
    spoofed = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Encoding": "gzip",
        "Cookie": "session=1",
        "Origin": "https://evil.example",
        "X-Forwarded-For": "10.1.1.1",
        "X-Request-Id": "chosen",
        "X-Api-Key": "sk-other",
    }
    answer = gateway.ask("POST", "/v1/chat/completions", {"model": "alpha", "messages": MESSAGES}, headers=spoofed)
    seen = alpha.received[0].headers
    assert {name.lower() for name in seen} <= {
        "host",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "authorization",
        "x-request-id",
    }
    assert seen["Content-Type"] == "application/json"
    engine_key = (gateway.directory / "secrets" / "engine_key").read_text().strip()
    assert seen["Authorization"] == f"Bearer {engine_key}"
    assert seen["X-Request-Id"] == answer.headers["X-Request-Id"] != "chosen"
    assert not {"Server", "Access-Control-Allow-Origin"} & set(answer.headers)


# Operation


def test_200_idle_connections_leave_room_for_a_request(gateway: Gateway) -> None:
    idle = [gateway.connect() for _ in range(200)]
    for connection in idle:
        connection.connect()
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200
    for connection in idle:
        connection.close()


def test_metrics_and_health_answer_on_the_loopback_port(gateway: Gateway) -> None:
    assert 'haproxy_backend_http_responses_total{proxy="alpha",code="2xx"}' in gateway.metrics("/metrics")
    assert json.loads(gateway.metrics("/health")) == {"status": "ok"}


def test_plain_http_is_redirected(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.redirect_port)
    connection.request("GET", "/v1/models", headers={"Host": "evil.example"})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (308, f"https://localhost:{gateway.port}/v1/models")


def test_the_log_has_names_and_times_and_neither_keys_nor_prompts(gateway: Gateway) -> None:
    before = len(gateway.log)
    answer = gateway.complete(
        {"model": "alpha", "messages": [{"role": "user", "content": "a-secret-prompt"}]}, LIMITED_KEY
    )
    gateway.ask("GET", "/v1/chat/completions?key=a-secret-query")
    gateway.ask("GET", '/quote"/and\\slash')
    eventually(lambda: "slash" in gateway.log[before:], "the log has come")
    lines = [json.loads(line) for line in gateway.log[before:].splitlines()]
    entry = next(line for line in lines if line.get("id") == answer.headers["X-Request-Id"])
    assert (entry["key"], entry["model"], entry["status"], entry["path"]) == (
        "limited",
        "alpha",
        200,
        "/v1/chat/completions",
    )
    assert entry["ms_total"] >= entry["ms_first_byte"] >= 0
    for secret in (LIMITED_KEY, gateway.key, "a-secret"):
        assert secret not in gateway.log


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_modern(gateway: Gateway) -> None:
    modern = gateway.tls
    modern.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", gateway.port)) as plain,
        modern.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        assert tls.version() == "TLSv1.3"
        assert tls.selected_alpn_protocol() in ("h2", "http/1.1")
    old = gateway.tls
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("localhost", gateway.port)) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="localhost")


def test_a_description_that_cannot_work_changes_nothing(gateway: Gateway) -> None:
    run = gateway.describe(gateway_models={"alpha": {"address": "http://127.0.0.1:1"}}, succeeds=False)
    assert "the address of alpha is 'http://127.0.0.1:1': write host:port" in run.words
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200


# Last, because it leaves a model more


def test_a_changed_description_is_taken_over_while_a_stream_runs(gateway: Gateway, alpha: Engine) -> None:
    alpha.go.clear()
    stream = gateway.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    assert next(stream).choices[0].delta.content == "one"

    failures: list[str] = []
    done = threading.Event()

    def ask_on_and_on() -> None:
        while not done.wait(0.02):
            try:
                answer = gateway.complete({"model": "beta", "messages": MESSAGES})
            except OSError as error:
                failures.append(str(error))
            else:
                failures.extend([] if answer.status == 200 else [answer.body])

    steady = threading.Thread(target=ask_on_and_on)
    steady.start()
    try:
        run = gateway.describe(gateway_models={**gateway.models, "new": {"address": alpha.address}})
        assert run.changed > 0
        assert "new" in [model.id for model in gateway.openai().models.list()]
    finally:
        done.set()
        steady.join()
    assert failures == []

    alpha.go.set()
    assert [chunk.choices[0].delta.content for chunk in stream] == ["two", "three"]
