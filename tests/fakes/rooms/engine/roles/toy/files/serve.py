# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`serve.py SOCKET SENTENCE`: whatever it is asked, it says its sentence."""

import http.server
import json
import socketserver
import sys
from pathlib import Path

SOCKET, SENTENCE = sys.argv[1:]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "client"

    def answer(self, content: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer(b"{}")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        common = {"id": "1", "created": 1, "model": asked["model"]}
        if asked.get("stream"):
            delta = {"index": 0, "delta": {"role": "assistant", "content": SENTENCE}, "finish_reason": None}
            end = {"index": 0, "delta": {}, "finish_reason": "stop"}
            pieces = [
                json.dumps({**common, "object": "chat.completion.chunk", "choices": [one]}) for one in (delta, end)
            ]
            self.answer("".join(f"data: {piece}\n\n" for piece in [*pieces, "[DONE]"]).encode(), "text/event-stream")
            return
        message = {"role": "assistant", "content": SENTENCE}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}
        self.answer(json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": usage}).encode())


Path(SOCKET).unlink(missing_ok=True)
Server(SOCKET, Handler).serve_forever()
