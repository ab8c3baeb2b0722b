# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators get: runs that change what they should, logs, metrics, TLS."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time

import pytest
from fakes.engine import Engine
from integration.gateway.description import LIMITED_KEY, MESSAGES, Gateway, eventually


def test_a_second_run_changes_nothing(gateway: Gateway) -> None:
    assert gateway.describe().changed == 0
    assert gateway.describe("--check", "--diff").changed == 0


def test_each_word_of_the_configuration_has_a_line_of_its_own(gateway: Gateway) -> None:
    place = gateway.directory / "h/services/gateway/current"
    lines = (place / "haproxy.cfg").read_text().splitlines()
    # A template that is included has no last line end: what follows would be taken for a part of its last line, and be passed over.
    assert not [line for line in lines if "    " in line.strip()]


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


def test_nobody_shares_a_port_of_the_gateway_in_silence(gateway: Gateway) -> None:
    # What a second HAProxy of the same user asks the kernel for.
    for port in (gateway.port, gateway.metrics_port, gateway.redirect_port):
        with socket.socket() as second:
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with pytest.raises(OSError, match="Address already in use"):
                second.bind(("127.0.0.1", port))


def test_plain_http_is_redirected(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.redirect_port)
    connection.request("GET", "/v1/models", headers={"Host": "evil.example"})
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (308, f"https://localhost:{gateway.port}/v1/models")


def test_plain_http_at_the_port_of_https_is_told_so(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("localhost", gateway.port)
    connection.request("GET", "/v1/models", headers={"Host": "evil.example"})
    page = connection.getresponse()
    assert (page.status, page.headers["Location"]) == (308, f"https://localhost:{gateway.port}/v1/models")
    page.read()
    connection.request("POST", "/v1/chat/completions", b"{}", {"Authorization": f"Bearer {gateway.key}"})
    refused = connection.getresponse()
    assert (refused.status, json.loads(refused.read())["error"]["code"]) == (400, "https_required")


def test_who_is_served_and_does_not_hang_up_keeps_no_place(gateway: Gateway) -> None:
    # Held until the end: what Python lets go of hangs up.
    idle, babble = gateway.connect(), socket.create_connection(("127.0.0.1", gateway.port))
    idle.request("GET", "/v1/models", headers={"Authorization": f"Bearer {gateway.key}"})
    assert idle.getresponse().read()
    babble.sendall(b"\x00 neither TLS nor HTTP")
    nobody = re.compile(r'^haproxy_frontend_current_sessions\{proxy="door"\} 0$', re.MULTILINE)
    eventually(lambda: nobody.search(gateway.metrics("/metrics")) is not None, "nobody is at the door")
    assert idle.sock.fileno() >= 0
    assert babble.fileno() >= 0


def test_the_log_has_names_and_times_and_neither_keys_nor_prompts(gateway: Gateway) -> None:
    before = len(gateway.log)
    answer = gateway.complete(
        {"model": "alpha", "messages": [{"role": "user", "content": "a-secret-prompt"}]}, LIMITED_KEY
    )
    gateway.ask("GET", "/v1/chat/completions?key=a-secret-query")
    gateway.ask("GET", '/quote"/and\\slash')
    eventually(lambda: "slash" in gateway.log[before:], "the log has come")
    # A process that a run before has replaced says in words that it has ended.
    lines = [
        json.loads(line) for line in gateway.log[before:].splitlines() if line.startswith("{") and line.endswith("}")
    ]
    entry = next(line for line in lines if line.get("id") == answer.headers["X-Request-Id"])
    assert (entry["key"], entry["model"], entry["status"], entry["path"]) == (
        "limited",
        "alpha",
        200,
        "/v1/chat/completions",
    )
    assert entry["ms_total"] >= entry["ms_first_byte"] >= 0
    assert entry["server"] == "engine"
    for secret in (LIMITED_KEY, gateway.key, "a-secret"):
        assert secret not in gateway.log


def test_who_asks_what_of_which_model_is_counted(gateway: Gateway, alpha: Engine) -> None:
    whose = 'key="chat",model="alpha"'

    def counted(line: str) -> float:
        found = re.search(rf"^{re.escape(line)} ([0-9.]+)$", gateway.metrics("/metrics/keys"), re.MULTILINE)
        return float(found[1]) if found else 0

    key = "sk-0123456789-chat"
    before = counted(f"hearth_requests_total{{{whose}}}"), counted(f'hearth_answers_total{{{whose},status="200"}}')
    waited = counted(f"hearth_first_byte_seconds_sum{{{whose}}}")
    alpha.go.clear()

    def hold_back() -> None:
        eventually(lambda: alpha.running == 1, "the engine has it")
        time.sleep(0.3)
        alpha.go.set()

    threading.Thread(target=hold_back).start()
    body = {"model": "alpha", "messages": MESSAGES}
    assert gateway.ask("POST", "/v1/chat/completions", body, key, {"X-OpenWebUI-User-Id": "ann"}).status == 200
    assert counted(f"hearth_requests_total{{{whose}}}") == before[0] + 1
    assert counted(f'hearth_answers_total{{{whose},status="200"}}') == before[1] + 1
    assert 0.2 < counted(f"hearth_first_byte_seconds_sum{{{whose}}}") - waited < 60
    assert counted(f"hearth_answer_bytes_total{{{whose}}}") > 100
    eventually(lambda: counted(f"hearth_requests_open{{{whose}}}") == 0, "it is over")
    eventually(lambda: '"user":"ann"' in gateway.log, "the log has come")


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
    run = gateway.describe(gateway_models={"alpha": {"addresses": ["http://127.0.0.1:1"]}}, succeeds=False)
    assert "alpha has the address 'http://127.0.0.1:1' in addresses: write host:port" in run.words
    assert gateway.complete({"model": "alpha", "messages": MESSAGES}).status == 200


@pytest.mark.usefixtures("as_it_was")
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
        run = gateway.describe(gateway_models={**gateway.models, "new": {"addresses": [alpha.address]}})
        assert run.changed > 0
        assert "new" in [model.id for model in gateway.openai().models.list()]
    finally:
        done.set()
        steady.join()
    assert failures == []

    alpha.go.set()
    assert [chunk.choices[0].delta.content for chunk in stream] == ["two", "three"]
