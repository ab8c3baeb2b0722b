# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a client comes, against doors that are broken in one place each."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.modules import gateway_diagnosis
from fakes import certificate, ports

KEY = "sk-hearth-right"
MODELS = [{"model": "chat", "task": "chat"}]
ANSWER = {"choices": [{"message": {"content": "I am ready."}, "finish_reason": "stop"}], "usage": {}}


class Gateway:
    """Answers as the real one does, but for what a test has broken."""

    def __init__(self, directory: Path, days: int = 90) -> None:
        self.pem = certificate.make(directory, "localhost", days)
        self.models, self.statuses = ["chat"], {"/v1/models": 200, "/v1/chat/completions": 200, "/": 200}
        self.states: list[dict[str, Any]] = []
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                wrong_key = self.path.startswith("/v1") and self.headers.get("Authorization") != f"Bearer {KEY}"
                status = 401 if wrong_key else gateway.statuses.get(self.path, 200)
                content = {
                    "/v1/models": {"data": [{"id": name} for name in gateway.models]},
                    "/v1/chat/completions": ANSWER,
                    "/status": {"models": gateway.states},
                }.get(self.path, {})
                body = json.dumps(content if status == 200 else {"error": {"message": "It is broken."}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = respond  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                """Nobody reads it."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_address[1]}/v1"

    def wrong(self, **params: Any) -> list[tuple[str, str]]:
        pages = [self.url.removesuffix("v1")]
        given = {
            "url": self.url,
            "connect_to": None,
            "ca_path": str(self.pem),
            "api_key": KEY,
            "models": MODELS,
            "pages": pages,
            "timeout": 5,
        }
        signs = gateway_diagnosis.run({**given, **params})["signs"]
        return [(sign["layer"], sign["wrong"] or sign["warning"]) for sign in signs if sign["wrong"] or sign["warning"]]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    running = Gateway(tmp_path)
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_nothing_is_wrong_where_all_answers(gateway: Gateway) -> None:
    assert gateway.wrong() == []


def test_each_layer_is_told_of_by_itself(gateway: Gateway, tmp_path: Path) -> None:
    (name,) = gateway.wrong(url="https://nowhere.invalid/v1")
    assert name[0] == "name"
    assert "hearth_connect_to" in name[1]
    (route,) = gateway.wrong(url=f"https://localhost:{ports.free()}/v1")
    assert route[0] == "route"
    (tls,) = gateway.wrong(ca_path=str(certificate.make(tmp_path, "other")))
    assert tls[0] == "TLS"
    assert "--tags certificates,gateway" in tls[1]
    (key,) = gateway.wrong(api_key="sk-hearth-wrong")
    assert key[0] == "key"
    gateway.statuses["/v1/models"] = 503
    (door,) = gateway.wrong()
    assert door[0] == "gateway"
    assert f"{gateway.url}/models is answered by 503" in door[1]
    gateway.statuses.update({"/v1/models": 200, "/v1/chat/completions": 503, "/": 502})
    model, page = gateway.wrong()
    assert model[0] == "model"
    assert "chat: " in model[1]
    assert "It is broken" in model[1]
    assert page[0] == "page"


def test_a_model_that_is_not_asked_is_told_of_by_what_the_gateway_says(gateway: Gateway) -> None:
    gateway.models = ["chat", "later", "sick"]
    gateway.states = [
        {"name": "later", "state": "idle"},
        {"name": "sick", "state": "failed", "why": "It is too large."},
    ]
    assert gateway.wrong() == [("model", "sick is failed. It is too large. Look at the log of its engine.")]
    gateway.models = []
    (lost,) = gateway.wrong()
    assert "chat is described, and the gateway does not offer it" in lost[1]


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path: Path) -> None:
    running = Gateway(tmp_path, days=5)
    try:
        (warning,) = running.wrong()
    finally:
        running.server.shutdown()
        running.server.server_close()
    assert warning[0] == "TLS"
    assert "ends in 5 days" in warning[1]
