# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with the manners of llama-server, as far as a gateway can see them, that does what a test tells it to."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class EngineFailsError(Exception):
    """Raised by `first_word` of an engine: this one is answered by 500."""


WORDS = ("one", "two", "three")


@dataclass(frozen=True)
class Received:
    path: str
    headers: Message
    body: dict[str, Any]


@dataclass
class Engine:
    """Listens while it is used as a context. `go` holds answers back: cleared, a stream stops after its first word."""

    received: list[Received] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    # Requests that are being answered now.
    running: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)
    # What it serves, and how long its embeddings are. One number is the same for every text.
    models: Sequence[str] = ()
    dimensions: int = 1
    # How long a text it embeds, tokens of three bytes each; as llama-server, it fails for a longer one.
    embeds_tokens: int | None = None
    # What it says of its models when it is asked for them, as llama-server's router does, and whether it says it at once.
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    tells: threading.Event = field(default_factory=threading.Event)
    # How often it was asked for them.
    looks: int = 0
    # Whether a stream says what it has counted in any case, as llama-server does. Others do only where they are asked for it.
    says_timings: bool = False
    # How many tokens an answer in one piece has by its own words, where they are not true.
    says_tokens: int | None = None
    # The longest piece in which a stream is sent, bytes.
    piece: int | None = None
    # One that cannot stream answers in one piece.
    streams: bool = True
    # As llama-server while it loads its model: it listens, and answers nothing yet.
    is_loading: bool = False
    # How long a stream waits for its first word, and for each further one, seconds: drawn anew for each. The first raises for one that is to fail.
    first_word: Callable[[], float] | None = None
    next_word: Callable[[], float] | None = None
    # What it has of a prompt in its cache, tokens.
    cached_tokens: Callable[[], int] | None = None
    # Most requests that were answered at once.
    most_running: int = 0
    # Whether it is there at all.
    is_up: bool = False
    # Where it listens.
    host: str = "127.0.0.1"
    # What it was told to load.
    loads: list[str] = field(default_factory=list)
    # Whether it is a router whose model's process was killed. What that was at is answered as llama.cpp 0.7.0 does: by 500 where no answer had begun, and a
    # stream by an end like every other one.
    has_lost_its_model: bool = False

    def __enter__(self) -> Self:
        self.go.set()
        self.tells.set()
        self._listen(0)
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        if self.is_up:
            self._close()

    def _listen(self, port: int) -> None:
        self._server = _Server((self.host, port), _Handler)
        self._server.engine = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.is_up = True

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.is_up = False

    def die(self) -> None:
        """As one that is killed: its port is closed, and whatever it was at is cut off."""
        self._close()
        for connection in list(self._server.connections):
            # Whoever writes to it from now on is told that it is gone.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        self._listen(int(self.address.rpartition(":")[2]))

    @property
    def address(self) -> str:
        return f"{self.host}:{self._server.server_address[1]}"

    def forget(self) -> None:
        """As it was at the start, for the next test."""
        self.received.clear()
        self.streams, self.is_loading = True, False
        self.says_timings, self.says_tokens, self.piece = False, None, None
        self.has_lost_its_model = False
        self.first_word = self.next_word = self.cached_tokens = None
        self.loads.clear()
        self.hung_up.clear()
        self.go.set()


def embedding(text: str, dimensions: int) -> list[float]:
    """Texts that share words are near to each other."""
    if dimensions == 1:
        return [0.5]
    vector = [0.01] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % dimensions] += 1
    return vector


class _Server(ThreadingHTTPServer):
    engine: Engine
    connections: set[socket.socket]
    daemon_threads = True
    request_queue_size = 512
    lock = threading.Lock()

    def __init__(self, *arguments: Any) -> None:
        self.connections = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "llama.cpp"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        try:
            body = json.loads(self._read())
        except (ValueError, RecursionError) as error:
            self._answer({"error": {"message": str(error), "type": "invalid_request_error"}}, 400)
            return
        engine = self.server.engine
        if self.path == "/models/load":
            engine.loads.append(body["model"])
            self._answer({"success": True})
            return
        engine.received.append(Received(self.path, self.headers, body))
        with self.server.lock:
            engine.running += 1
            engine.most_running = max(engine.most_running, engine.running)
        try:
            if engine.is_loading:
                said = {"message": "Loading model", "type": "unavailable_error", "code": 503}
                self._answer({"error": said}, 503)
            elif self.path == "/v1/embeddings":
                self._embed(body)
            elif body.get("stream") and engine.streams:
                self._stream(body)
            elif not self._may_go_on():
                self._send(b"proxy error: Failed to read connection", "text/plain", 500)
            else:
                message = {"role": "assistant", "content": " ".join(WORDS)}
                answer = _completion(body, "chat.completion", {"message": message, "finish_reason": "stop"})
                counted = {} if engine.says_tokens is None else {"completion_tokens": engine.says_tokens}
                self._answer({**answer, "usage": {**usage(body), **counted}})
        except OSError:
            engine.hung_up.set()
        finally:
            with self.server.lock:
                engine.running -= 1

    def do_GET(self) -> None:
        engine = self.server.engine
        engine.looks += 1
        engine.tells.wait()
        models: list[dict[str, Any]] = [
            {"id": name, "object": "model", "owned_by": "llamacpp"} for name in engine.models
        ]
        models += [{"id": name, "object": "model", "status": status} for name, status in engine.statuses.items()]
        self._answer({"object": "list", "data": models})

    def _embed(self, body: dict[str, Any]) -> None:
        texts = body.get("input")
        texts = texts if isinstance(texts, list) else [texts]
        self.server.engine.go.wait()
        most = self.server.engine.embeds_tokens
        if most is not None and any(len(str(text).encode()) > most * 3 for text in texts):
            self._answer({"error": {"message": "input is too large to process", "type": "server_error"}}, 500)
            return
        dimensions = self.server.engine.dimensions
        encoded = body.get("encoding_format") == "base64"
        vectors = []
        for number, text in enumerate(texts):
            vector: list[float] | str = embedding(str(text), dimensions)
            if encoded:
                vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
            vectors.append({"object": "embedding", "index": number, "embedding": vector})
        counted = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        self._answer({"object": "list", "model": body["model"], "usage": counted, "data": vectors})

    def _read(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(content).encode(), "application/json", status)

    def _send(self, data: bytes, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: dict[str, Any]) -> None:
        engine = self.server.engine
        try:
            time.sleep(engine.first_word() if engine.first_word else 0)
        except EngineFailsError as error:
            self._answer({"error": {"message": str(error), "type": "server_error"}}, 500)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, word in enumerate(WORDS):
            if number == 1 and not self._may_go_on(lambda: self._chunk(": \n\n")):
                self._chunk("")
                self.close_connection = True
                return
            if number and engine.next_word:
                time.sleep(engine.next_word())
            event = _completion(body, "chat.completion.chunk", {"delta": {"content": word}, "finish_reason": None})
            if self.server.engine.says_timings and word == WORDS[-1]:
                event["timings"] = _timings(body)
            self._chunk(f"data: {json.dumps(event)}\n\n")
        if (body.get("stream_options") or {}).get("include_usage"):
            counted = {**_completion(body, "chat.completion.chunk", {}), "choices": [], "usage": usage(body)}
            if engine.cached_tokens:
                counted["usage"]["prompt_tokens_details"] = {"cached_tokens": engine.cached_tokens()}
            self._chunk(f"data: {json.dumps(counted)}\n\n")
        self._chunk("data: [DONE]\n\n")
        self._chunk("")
        # Like llama-server: the connection ends after a stream, and the headers did not say so.
        self.close_connection = True

    def _may_go_on(self, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Whether there is more to say. In a stream a comment now and then, which clients skip, finds out meanwhile whether anyone still listens."""
        engine = self.server.engine
        while not engine.has_lost_its_model and not engine.go.wait(0.05):
            meanwhile()
        return not engine.has_lost_its_model

    def _chunk(self, text: str) -> None:
        data = text.encode()
        size = self.server.engine.piece or len(data) or 1
        for piece in [data[start : start + size] for start in range(0, len(data), size)] or [b""]:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def log_message(self, *_: object) -> None:
        pass


def usage(body: dict[str, Any]) -> dict[str, Any]:
    """What it has counted, as llama-server and vLLM write it: in an answer in one piece always, and in a stream that was asked for it in an
    event of its own, without choices."""
    messages = body.get("messages")
    prompt = (len(messages) if isinstance(messages, list) else 0) + 10
    counted = {"completion_tokens": len(WORDS), "prompt_tokens": prompt, "total_tokens": len(WORDS) + prompt}
    return {**counted, "prompt_tokens_details": {"cached_tokens": 4}}


def _timings(body: dict[str, Any]) -> dict[str, Any]:
    """The same as llama-server says it beside: the prompt without what came from the cache."""
    counted = usage(body)
    cached = counted["prompt_tokens_details"]["cached_tokens"]
    return {
        "cache_n": cached,
        "prompt_n": counted["prompt_tokens"] - cached,
        "predicted_n": counted["completion_tokens"],
    }


def _completion(body: dict[str, Any], kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, **choice}],
    }
