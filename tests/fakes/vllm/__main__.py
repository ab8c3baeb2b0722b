# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m fakes.vllm MODEL --port 8080 …`: as the entry point of vLLM's image, `vllm serve`."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fakes.vllm.application import Application
from fakes.vllm.arguments import parse


class Handler(BaseHTTPRequestHandler):
    """Carries one request to the ASGI application and its answer back."""

    protocol_version = "HTTP/1.1"
    server_version = "uvicorn"
    application: Any

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        scope = {
            "type": "http",
            "method": self.command,
            "path": self.path.partition("?")[0],
            "headers": [(name.lower().encode(), value.encode()) for name, value in self.headers.items()],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.send_response(message["status"])
                for name, value in message["headers"]:
                    self.send_header(name.decode(), value.decode())
                if b"content-length" not in dict(message["headers"]):
                    self.send_header("Connection", "close")
                self.end_headers()
            else:
                self.wfile.write(message["body"])

        asyncio.run(type(self).application(scope, receive, send))

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()


def main() -> None:
    arguments = parse(sys.argv[1:])
    if not Path(arguments.model_tag, "config.json").is_file():
        # What vLLM says where the files are not there, and it may not download them.
        raise SystemExit(
            f"OSError: We couldn't connect to 'https://huggingface.co' to load the files of {arguments.model_tag}."
        )
    # It cannot do without a place to write to.
    Path(os.environ["HOME"], ".cache").mkdir(exist_ok=True)
    application: Any = Application(arguments)
    for name in arguments.middleware:
        module, _dot, kind = name.rpartition(".")
        application = getattr(importlib.import_module(module), kind)(application)
    Handler.application = application
    shown = {name: "***" if name == "api_key" else value for name, value in vars(arguments).items()}
    print(f"non-default args: {json.dumps(shown)}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer((arguments.host, arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
