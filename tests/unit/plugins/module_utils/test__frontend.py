# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a frontend's API, against a server that writes down what it was asked."""

from __future__ import annotations

import email.parser
import email.policy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import Api, api_of, connection_spec


class Server(HTTPServer):
    """Answers with `answer` (status, content type, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, Any, bytes]] = []
        self.answer = (200, "application/json; charset=utf-8", b"{}")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, self.headers, body))
        status, content_type, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    options = {name: option.get("default") for name, option in connection_spec().items()}
    with api_of({**options, "api_url": f"http://127.0.0.1:{server.server_port}/", "api_key": "sk-key"}) as opened:
        yield opened


def test_json_goes_there_and_back_with_the_key(api: Api, server: Server) -> None:
    server.answer = (200, "application/json", b'{"a": [1]}')
    answer = api.post("/v1/things", {"name": "ü"}, query={"limit": "all", "folder": "a b"})

    method, path, headers, body = server.asked[0]
    assert answer == {"a": [1]}
    assert (method, path, json.loads(body)) == ("POST", "/v1/things?limit=all&folder=a+b", {"name": "ü"})
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer sk-key", "application/json")


def test_what_a_run_costs_is_counted(api: Api) -> None:
    api.get("/a")
    api.post("/b", {})
    api.delete("/c")
    assert (api.requests, api.writes) == (3, 2)


@pytest.mark.parametrize(("token", "sent"), [(None, "Bearer sk-key"), ("session", "Bearer session"), ("", None)])
def test_another_token_is_sent_instead_and_none_where_none_is_meant(
    api: Api, server: Server, token: str | None, sent: str | None
) -> None:
    api.get("/a", token=token)
    assert server.asked[0][2]["Authorization"] == sent


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (200, "text/html; charset=utf-8", b"<html>secret page</html>"),
            "answered 200 with text/html, not with JSON. Check api_url",
        ),
        ((200, "text/plain", b"OK"), "answered 200 with text/plain, not with JSON: OK"),
        ((200, "application/json", b"<html>"), "not with JSON"),
    ],
)
def test_whatever_is_not_json_is_an_error_that_says_what_it_is(
    api: Api, server: Server, answer: tuple[int, str, bytes], words: str
) -> None:
    """A single-page application answers 200 with its page to a path that it does not know."""
    server.answer = answer
    with pytest.raises(ProtocolError) as failed:
        api.get("/api/v1/unknown")
    assert words in str(failed.value)
    assert "secret page" not in str(failed.value)


def test_a_refusal_carries_the_servers_words_and_never_the_key(api: Api, server: Server) -> None:
    server.answer = (400, "application/json", b'{"error": "name cannot be null"}')
    with pytest.raises(StatusError, match=r"answered 400 Bad Request \(name cannot be null") as failed:
        api.post("/v1/things?signature=sk-key", {})
    assert failed.value.status == 400
    assert "sk-key" not in str(failed.value)


def test_an_expected_status_is_no_error_and_a_write_is_never_sent_twice(api: Api, server: Server) -> None:
    server.answer = (404, "application/json", b'{"documents": []}')
    assert api.get("/folder", expect=(200, 404)) == {"documents": []}
    server.answer = (503, "application/json", b"{}")
    with pytest.raises(StatusError):
        api.post("/v1/things", {})
    assert [method for method, *_rest in server.asked] == ["GET", "POST"]


def test_a_file_arrives_as_it_is_with_its_name_and_its_fields(api: Api, server: Server) -> None:
    content = bytes(range(256)) + b"\r\n--not-the-boundary"
    api.upload("/upload", 'an "odd"\nname.md', content, fields={"metadata": '{"title": "ü"}'})

    headers, body = server.asked[0][2:]
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    metadata, file = form.iter_parts()
    assert metadata.get_payload(decode=True) == '{"title": "ü"}'.encode()
    assert file.get_payload(decode=True) == content
    assert file.get_content_type() == "text/markdown"
    assert b'filename="an %22odd%22%0Aname.md"' in body


def test_a_redirect_takes_nobodys_key_elsewhere(api: Api, server: Server) -> None:
    server.answer = (302, "text/html", b"")
    with pytest.raises(StatusError, match="answered 302"):
        api.get("/a")
    assert len(server.asked) == 1


def test_no_time_to_wait_is_refused() -> None:
    with pytest.raises(InputError, match="timeout: 0 is no time to wait"):
        api_of({"api_url": "http://127.0.0.1", "api_key": None, "ca_path": None, "timeout": 0})
