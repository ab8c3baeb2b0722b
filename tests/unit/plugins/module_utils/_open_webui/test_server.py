# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server, connect

Answers = dict[str, tuple[int, Any]]


@contextmanager
def answering(answers: Answers) -> Iterator[dict[str, Any]]:
    """The options that lead to a server which gives these answers, by path and query."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = answers[self.path]
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield {"api_url": url, "api_key": "sk-k", "ca_path": None, "timeout": 10}
        server.shutdown()


@contextmanager
def connected(answers: Answers) -> Iterator[Server]:
    with (
        answering({"/api/version": (200, {"version": "0.12.4"}), **answers}) as params,
        connect(params) as server,
    ):
        yield server


@pytest.mark.parametrize(("version", "known"), [("0.11.0", True), ("1.0.0", True), ("0.10.9", False), ("0.6.5", False)])
def test_an_older_server_than_is_known_is_refused(version: str, known: bool) -> None:
    with answering({"/api/version": (200, {"version": version})}) as params:
        if known:
            assert connect(params).version == version
        else:
            with pytest.raises(ProtocolError, match=rf"Open WebUI is {version}, and 0\.11 is the oldest"):
                connect(params)


def test_another_product_at_the_address_is_no_open_webui() -> None:
    with (
        answering({"/api/version": (200, {"ollama": "0.9"})}) as params,
        pytest.raises(ProtocolError, match="this is not Open WebUI"),
    ):
        connect(params)


def test_without_a_key_nobody_is_asked() -> None:
    with pytest.raises(InputError, match="open_webui_bootstrap makes one"):
        connect({"api_url": "http://127.0.0.1:1", "api_key": None})


def test_a_list_is_read_to_its_last_page_and_not_further() -> None:
    pages: Answers = {
        "/list?page=1": (200, {"items": [1, 2], "total": 3}),
        "/list?page=2": (200, {"items": [3], "total": 3}),
    }
    with connected(pages) as server:
        assert server.pages("/list", "items") == [1, 2, 3]
        assert server.api.costs() == {"requests": {"total": 3, "writes": 0}}


def test_a_list_that_promises_more_than_it_has_comes_to_an_end() -> None:
    pages: Answers = {
        "/list?page=1": (200, {"items": [1], "total": 9}),
        "/list?page=2": (200, {"items": [], "total": 9}),
    }
    with connected(pages) as server:
        assert server.pages("/list", "items") == [1]


def test_input_that_is_refused_is_named_and_never_repeated() -> None:
    detail = [{"loc": ["body", "password"], "msg": "Too long", "input": "SECRET"}]
    with connected({"/x": (422, {"detail": detail})}) as server, pytest.raises(StatusError) as refusal:
        server.post("/x", {"password": "SECRET"})

    assert "the server refuses it with 422 (body.password: Too long)" in refusal.value.message
    assert "SECRET" not in refusal.value.message


@pytest.mark.parametrize(
    ("status", "detail", "sentence"),
    [
        (401, "Your session has expired or the token is invalid.", "the server does not know this api_key"),
        (401, "You do not have permission to access this resource.", "Use the key of an administrator"),
        (403, "Use of API key is not enabled in the environment.", "Start it with ENABLE_API_KEYS=true"),
        (401, "Uh-oh! This model id is already registered.", "refuses it with 401 (Uh-oh! This model id"),
    ],
)
def test_a_refusal_says_whose_matter_it_is(status: int, detail: str, sentence: str) -> None:
    with connected({"/x": (status, {"detail": detail})}) as server, pytest.raises(StatusError) as refusal:
        server.get("/x")

    assert sentence in refusal.value.message
