# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers: llama.cpp with the GGUF file, by the server that the collection runs, or transformers with the folder."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = Path(__file__).resolve().parents[2] / "roles/llama_cpp/files/serve_model.py"
LONGEST_ANSWER = 450
SECONDS_TO_LOAD = 60

Messages = list[dict[str, str]]
Answer = Callable[[Messages], str]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def post(path: Path, target: str, content: dict[str, Any]) -> Any:
    connection = _UnixConnection(path)
    connection.request("POST", target, json.dumps(content))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"POST {target} was answered {response.status}: {body.decode(errors='replace')}")
    return json.loads(body)


@contextmanager
def served(model: Path, python: str = sys.executable, **options: Any) -> Iterator[Path]:
    """The socket of a llama.cpp that serves the file, once it does."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path, configuration = directory / "s.sock", directory / "model.json"
        log = directory / "log"
        # The model is so small that threads cost more than they do: on a busy machine two wait for each other, twenty times as long as one computes.
        settings = {"model": str(model), "alias": model.stem, "host": str(path), "parallel": 1, "threads": 1, **options}
        configuration.write_text(json.dumps(settings))
        with log.open("w") as output:
            process = subprocess.Popen([python, str(SERVER), str(configuration)], stdout=output, stderr=output)
        try:
            end = time.monotonic() + SECONDS_TO_LOAD
            while "is served at" not in log.read_text():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"llama.cpp does not serve {model}:\n{log.read_text()}")
                time.sleep(0.05)
            yield path
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def by_llama_cpp(model: Path, python: str = sys.executable) -> Iterator[Answer]:
    with served(model, python) as path:

        def answer(messages: Messages) -> str:
            request = {"messages": messages, "temperature": 0, "max_tokens": LONGEST_ANSWER}
            content = post(path, "/v1/chat/completions", request)["choices"][0]["message"]["content"]
            return str(content)

        yield answer


@contextmanager
def by_transformers(folder: Path) -> Iterator[Answer]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def answer(messages: Messages) -> str:
        tokens = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            said = model.generate(**tokens, max_new_tokens=LONGEST_ANSWER, do_sample=False)
        return str(tokenizer.decode(said[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True))

    yield answer
