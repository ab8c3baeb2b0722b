# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway offers, and why that is not known where it is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.modules.gateway_info import argument_spec, run

ANSWERS = {"right-key-0123456789": '{"data": [{"id": "b"}, {"id": "a"}]}', "odd-key-0123456789": '{"models": []}'}


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = ANSWERS.get((self.headers["Authorization"] or "").removeprefix("Bearer "))
        self.send_response(200 if body and self.path == "/v1/models" else 401)
        self.end_headers()
        self.wfile.write((body or '{"error": {"message": "no such key"}}').encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def ask(url: str, key: str, **given: Any) -> dict[str, Any]:
    return run(
        {
            **{name: option.get("default") for name, option in argument_spec().items()},
            "url": url,
            "api_key": key,
            **given,
        }
    )


def test_the_names_come_from_the_list_of_models(url: str) -> None:
    assert ask(url, "right-key-0123456789") == {"answered": True, "models": ["a", "b"], "reason": ""}


@pytest.mark.parametrize(
    ("key", "given", "reason"),
    [
        ("wrong-key-0123456789", {}, "was answered by 401"),
        ("odd-key-0123456789", {}, "answers in a form that is not known"),
        ("right-key-0123456789", {"connect_to": "127.0.0.1:1"}, "127.0.0.1:1"),
    ],
)
def test_where_there_is_no_list_it_says_why_and_does_not_fail(
    url: str, key: str, given: dict[str, Any], reason: str
) -> None:
    told = ask(url, key, **given)
    assert (told["answered"], told["models"]) == (False, [])
    assert reason in told["reason"]


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(InputError, match="must begin with http"):
        ask("llm.example", "right-key-0123456789")
