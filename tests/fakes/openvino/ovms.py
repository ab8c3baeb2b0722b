# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO Model Server as far as the collection asks it, around the same library: it reads the same config.json and graph.pbtxt, takes the same words, and
lets `openvino_genai` compute. What it answers is where the documentation of 2026 has it (KServe's protocol below /v2, OpenAI's below /v3, the key for /v3
alone). It answers nothing below /v1, which newer servers do as well.

    python -m fakes.openvino.ovms --config_path config.json --rest_port 8080 --api_key_file api_key
"""

from __future__ import annotations

import argparse
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openvino_genai

LONGEST = 512


class Served:
    """A model of mediapipe_config_list, with what its graph says of it."""

    def __init__(self, entry: dict[str, str], beside: Path) -> None:
        self.name = entry["name"]
        graph = (beside / entry["graph_path"]).read_text()
        inner = re.search(r"LLMCalculatorOptions\]: \{(.*?)\n    \}", graph, re.DOTALL)
        assert inner, "the graph has no node of that kind"
        self.told = {
            name: json.loads(value) for name, value in re.findall(r"^ *(\w+): (.+?),?$", inner[1], re.MULTILINE)
        }
        scheduling = openvino_genai.SchedulerConfig()
        scheduling.cache_size = self.told.get("cache_size", 1)
        scheduling.max_num_seqs = self.told["max_num_seqs"]
        scheduling.enable_prefix_caching = self.told["enable_prefix_caching"]
        self._alone = threading.Lock()
        self._pipeline = openvino_genai.LLMPipeline(
            self.told["models_path"], "CPU", scheduler_config=scheduling, **json.loads(self.told["plugin_config"])
        )
        self._tokenizer = self._pipeline.get_tokenizer()

    def answer(self, request: dict[str, Any]) -> tuple[str, dict[str, int], str]:
        config = openvino_genai.GenerationConfig()
        config.do_sample = float(request.get("temperature") or 0) > 0
        config.temperature = float(request.get("temperature") or 1)
        longest = int(request.get("max_completion_tokens") or request.get("max_tokens") or LONGEST)
        config.max_new_tokens = longest
        config.apply_chat_template = False
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        prompt = request.get("prompt") or self._tokenizer.apply_chat_template(request["messages"], True)
        with self._alone:
            text = str(self._pipeline.generate([prompt], config).texts[0])
        read, written = (int(self._tokenizer.encode(one).input_ids.shape[1]) for one in (prompt, text))
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return text, usage, "length" if written >= longest else "stop"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], config_path: Path, key: str) -> None:
        self.key = key
        config = json.loads(config_path.read_text())
        self.models = {entry["name"]: Served(entry, config_path.parent) for entry in config["mediapipe_config_list"]}
        super().__init__(place, Handler)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        ready = {f"/v2/models/{name}/ready" for name in self.server.models}
        if self.path in ("/v2/health/live", "/v2/health/ready", *ready):
            self._send(200, b"")
        elif self._may() and self.path == "/v3/models":
            listed = [{"id": name, "object": "model", "owned_by": "OVMS"} for name in self.server.models]
            self._json(200, {"object": "list", "data": listed})
        else:
            self._json(404, {"error": "Invalid request URL"})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path not in ("/v3/chat/completions", "/v3/completions"):
            self._json(404, {"error": "Invalid request URL"})
        elif not self._may():
            self._json(401, {"error": "Unauthorized"})
        elif request.get("model") not in self.server.models:
            self._json(404, {"error": "Mediapipe graph definition with requested name is not found"})
        else:
            self._answer(request)

    def _may(self) -> bool:
        return self.headers["Authorization"] == f"Bearer {self.server.key}"

    def _answer(self, request: dict[str, Any]) -> None:
        text, usage, why = self.server.models[request["model"]].answer(request)
        chat = self.path == "/v3/chat/completions"
        head = {"object": "chat.completion" if chat else "text_completion", "created": 1, "model": request["model"]}
        said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        if not request.get("stream"):
            choice = {"index": 0, "finish_reason": why, **said}
            self._json(200, {**head, "choices": [choice], "usage": usage})
            return
        piece = {"delta": {"role": "assistant", "content": text}} if chat else {"text": text}
        events: list[dict[str, Any]] = [{"choices": [{"index": 0, "finish_reason": None, **piece}]}]
        events.append({"choices": [{"index": 0, "finish_reason": why, **({"delta": {}} if chat else {"text": ""})}]})
        if (request.get("stream_options") or {}).get("include_usage"):
            events.append({"choices": [], "usage": usage})
        head["object"] = "chat.completion.chunk" if chat else "text_completion.chunk"
        lines = [*(json.dumps({**head, **event}) for event in events), "[DONE]"]
        self._send(200, "".join(f"data: {line}\n\n" for line in lines).encode(), "text/event-stream")

    def _json(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(prog="ovms")
    parser.add_argument("--config_path", required=True, type=Path)
    parser.add_argument("--rest_port", required=True, type=int)
    parser.add_argument("--rest_bind_address", default="0.0.0.0")
    parser.add_argument("--api_key_file", required=True, type=Path)
    parser.add_argument("--file_system_poll_wait_seconds", type=int, default=1)
    parser.add_argument("--metrics_enable", action="store_true")
    given = parser.parse_args()
    key = given.api_key_file.read_text().splitlines()[0]
    Server((given.rest_bind_address, given.rest_port), given.config_path, key).serve_forever()


if __name__ == "__main__":
    main()
