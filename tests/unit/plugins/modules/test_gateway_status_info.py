# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway says of its models, and why that is not known where it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.modules.gateway_status_info import argument_spec, run

STATUS = '{"object": "status", "models": [{"name": "chat", "state": "loaded"}]}'
ANSWERS = {
    "right-key-0123456789": (200, STATUS),
    "odd-key-0123456789": (200, "<html>A page of somebody else</html>"),
    "strange-key-0123456789": (200, '{"models": "many"}'),
    "off-key-0123456789": (404, '{"error": {"message": "There is nothing here."}}'),
}


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        key = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        status, body = ANSWERS.get(key, (401, '{"error": {"message": "no such key"}}'))
        self.send_response(status if self.path == "/status" else 500)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def ask(url: str, key: str | None) -> dict[str, Any]:
    options = {name: option.get("default") for name, option in argument_spec().items()}
    return run({**options, "url": url, "api_key": key})


def test_what_it_says_is_handed_on(url: str) -> None:
    found = ask(url, "right-key-0123456789")
    assert (found["is_up"], found["reason"]) == (True, "")
    assert found["status"]["models"] == [{"name": "chat", "state": "loaded"}]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "describe one in hearth_api_keys"),
        ("wrong-key-0123456789", "was answered by 401"),
        ("odd-key-0123456789", "no status of models"),
        ("strange-key-0123456789", "no status of models"),
        ("off-key-0123456789", "gateway_status: false"),
    ],
)
def test_one_that_does_not_say_it_is_up_all_the_same(url: str, key: str | None, reason: str) -> None:
    found = ask(url, key)
    assert found["is_up"]
    assert found["status"] is None
    assert reason in found["reason"]


def test_one_that_is_not_there_is_down() -> None:
    found = ask("http://127.0.0.1:9/v1", "right-key-0123456789")
    assert (found["is_up"], found["status"], found["certificate_ends"]) == (False, None, None)
    assert "127.0.0.1:9 cannot be reached" in found["reason"]
