# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads headers over real HTTP, and counts the bytes that were sent."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import GgufError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile, RemoteFile
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Tensor, ValueType, gguf_bytes

# A header of two pieces, and weights that nobody needs to see.
VOCABULARY = Entry("tokenizer.ggml.tokens", ValueType.STRING, [f"token {number:06}" for number in range(20_000)])
MODEL = gguf_bytes([VOCABULARY], [Tensor("w", (1 << 21,), 0, bytes(8 << 20))])


class Origin(ThreadingHTTPServer):
    """Sends MODEL: by ranges or not, from here or by way of a redirect."""

    daemon_threads = True

    def __init__(self, content: bytes, ranges: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges = content, ranges
        self.sent = 0
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Handler(BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Authorization"]))
        if self.path == "/moved":
            self.send_response(302)
            # Another name of this host, so another origin for a token.
            self.send_header("Location", self.server.url.replace("127.0.0.1", "localhost"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content, found = self.server.content, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        if self.server.ranges and found:
            start, end = int(found.group(1)), min(int(found.group(2)) + 1, len(content))
            self.send_response(206 if start < len(content) else 416)
            self.send_header(
                "Content-Range", f"bytes {start}-{end - 1}/{len(content)}" if start < end else f"bytes */{len(content)}"
            )
            content = content[start:end]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for at in range(0, len(content), 65536):
            self.server.sent += self.wfile.write(content[at : at + 65536])

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def origin(content: bytes = MODEL, *, ranges: bool = True) -> Iterator[Origin]:
    with Origin(content, ranges) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_remote_header_is_read_by_ranges_and_the_weights_are_not_fetched() -> None:
    with origin() as server, Client() as client:
        model = describe([RemoteFile(client, server.url)])

        assert (model["vocabulary_size"], model["file_bytes"], model["complete"]) == (20_000, len(MODEL), True)
        assert server.sent < 2 * model["header_bytes"]


def test_a_server_without_ranges_is_left_when_the_header_has_been_read() -> None:
    with origin(ranges=False) as server, Client() as client:
        remote = RemoteFile(client, server.url)
        assert describe([remote])["vocabulary_size"] == 20_000
        remote.close()

        assert len(server.seen) == 1


def test_a_token_is_sent_to_the_hub_and_not_to_where_it_leads() -> None:
    with origin() as server, Client() as client:
        describe([RemoteFile(client, server.url.replace("/file", "/moved"), token="secret")])

        assert server.seen[0] == ("/moved", "Bearer secret")
        assert len(server.seen) > 2
        assert {seen for seen in server.seen if seen[0] != "/moved"} == {("/file", None)}


def test_an_empty_remote_file_is_called_empty() -> None:
    with origin(b"") as server, Client() as client, pytest.raises(GgufError, match="it is empty"):
        describe([RemoteFile(client, server.url)])


def test_what_is_not_a_readable_file_is_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(HearthError, match=r"pipe cannot be read \(not a file\)"):
        LocalFile(str(pipe))
    with pytest.raises(HearthError, match=r"absent cannot be read \(No such file or directory\)"):
        LocalFile(str(tmp_path / "absent"))
