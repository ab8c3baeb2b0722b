# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""roles/llama_cpp/files/serve_model.py with the real engine: what it understands, and how it begins and ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from integration.wheel import PROGRAM, python, serving

COUNT = " ".join(str(number) for number in range(1, 201))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "count.gguf"
    path.write_bytes(hello_model("count", COUNT))
    return path


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._path))


def request(path: Path, method: str, target: str, content: Any = None, key: str = "one") -> tuple[int, Any]:
    connection = UnixConnection(path)
    connection.request(method, target, content and json.dumps(content), {"Authorization": f"Bearer {key}"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if body.startswith((b"{", b"[")) else body


def await_health(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the program has ended"
        try:
            if request(path, "GET", "/health")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("the program did not listen")


def served(path: Path, model: Path, **options: Any) -> dict[str, Any]:
    return {"model": str(model), "alias": "count", "host": str(path), "ctx-size": 4096, **options}


def test_one_configuration_serves_a_model_as_llama_server_would(tmp_path: Path, model: Path) -> None:
    path, keys = tmp_path / "s.sock", tmp_path / "keys"
    keys.write_text("# keys\none\n\ntwo\n")
    options = {
        "api-key-file": str(keys),
        "ctx-size": 8192,
        "parallel": "2",
        "flash-attn": False,
        "slots": False,
        "metrics": True,
        "no-webui": True,
        "cache-ram": 16,
        "cache-type-k": "q8_0",
        "temp": 0,
        "n-predict": 5,
    }
    with serving(tmp_path, "count", served(path, model, **options)) as process:
        await_health(path, process)
        _status, properties = request(path, "GET", "/props")
        question = {"messages": [{"role": "user", "content": "Count!"}]}

        # The context is divided among the slots.
        assert (properties["total_slots"], properties["default_generation_settings"]["n_ctx"]) == (2, 4096)
        assert request(path, "GET", "/slots")[0] == 501
        assert b"llamacpp:prompt_tokens_total" in request(path, "GET", "/metrics")[1]
        assert request(path, "POST", "/v1/chat/completions", question, key="three")[0] == 401
        status, answer = request(path, "POST", "/v1/chat/completions", question, key="two")
        choice = answer["choices"][0]
        assert (status, answer["model"]) == (200, "count")
        assert (choice["message"]["content"], choice["finish_reason"]) == ("1 2 3 4 5", "length")


def test_sigterm_ends_it_at_once_though_it_is_answering_and_takes_the_socket_away(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "s.sock"
    with serving(tmp_path, "count", served(path, model)) as process:
        await_health(path, process)
        connection = UnixConnection(path)
        endless = {
            "messages": [{"role": "user", "content": "?"}],
            "stream": True,
            "ignore_eos": True,
            "max_tokens": 4000,
        }
        connection.request("POST", "/v1/chat/completions", json.dumps(endless))
        connection.getresponse().readline()

        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not path.exists()


def test_a_socket_that_a_killed_program_left_behind_is_taken_over(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "s.sock"
    with serving(tmp_path, "first", served(path, model)) as process:
        await_health(path, process)
        process.kill()
        process.wait(30)
    assert path.is_socket()
    with serving(tmp_path, "second", served(path, model)) as process:
        await_health(path, process)


def test_a_model_that_is_not_wanted_yet_is_loaded_by_whoever_asks_it_something(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "s.sock"
    question = {"messages": [{"role": "user", "content": "Count!"}], "max_tokens": 5, "temperature": 0}
    with serving(tmp_path, "count", served(path, model), "--when-asked") as process:
        await_health(path, process)
        # Whoever only looks, or sees whether somebody listens, has it stay as it is.
        with contextlib.closing(UnixConnection(path)) as nobody:
            nobody.connect()
        _status, listing = request(path, "GET", "/v1/models")
        assert [(one["id"], one["status"]["value"]) for one in listing["data"]] == [("count", "unloaded")]
        assert "load_model" not in (tmp_path / "count.log").read_text()

        with ThreadPoolExecutor(4) as threads:
            answers = list(
                threads.map(lambda _number: request(path, "POST", "/v1/chat/completions", question), range(4))
            )
        assert {(status, answer["choices"][0]["message"]["content"]) for status, answer in answers} == {
            (200, "1 2 3 4 5")
        }
        # From here on it is the engine itself that answers.
        assert request(path, "GET", "/props")[0] == 200
        assert sorted(file.name for file in tmp_path.glob("*.sock")) == ["s.sock"]
    assert not path.exists()
    with serving(tmp_path, "count", served(path, model), "--when-asked") as process:
        await_health(path, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not path.exists()


def run(tmp_path: Path, options: dict[str, Any] | str) -> tuple[int, str]:
    configuration = tmp_path / "model.json"
    configuration.write_text(options if isinstance(options, str) else json.dumps(options))
    command = [python(), PROGRAM, configuration]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, check=False)
    return ended.returncode, ended.stdout


def test_a_model_that_does_not_load_ends_it_with_the_engines_words(tmp_path: Path, model: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(model.read_bytes()[:5000])
    status, output = run(tmp_path, served(tmp_path / "s.sock", broken))

    assert status == 1
    assert "failed to load model" in output
    # llama.cpp logs by a thread of its own, which may have the last word.
    assert any(line.startswith(f"serve_model: {broken} is not served") for line in output.splitlines())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ctx-sise": 4096}, "'ctx-sise' is not an option of this server; did you mean 'ctx-size'?"),
        ({"hf-repo": "owner/model"}, "'hf-repo' is not an option of this server"),
        ({"ctx-size": "much"}, "'ctx-size' must be a whole number, not 'much'"),
        ({"parallel": 1.5}, "'parallel' must be a whole number, not 1.5"),
        ({"port": 1 << 40}, "'port' cannot be 1099511627776"),
        ({"slots": "maybe"}, "'slots' must be true or false, not 'maybe'"),
        ({"flash-attn": "maybe"}, "'flash-attn' must be one of on, off, auto, not 'maybe'"),
        ({"load-mode": "fast"}, "'load-mode' must be one of auto, none, mmap, mlock, mmap+mlock, dio, not 'fast'"),
        ({"model": "/absent.gguf"}, "'model': /absent.gguf does not exist or cannot be read"),
        ({"model": ""}, "'model' is missing"),
        ({"host": f"/{'x' * 120}.sock"}, "is longer than the 107 bytes that Linux allows"),
        ({"api-key-file": "/dev/null"}, "/dev/null holds no key"),
        ({"chat-template-kwargs": "{"}, "'chat-template-kwargs' is not JSON"),
        ("[]", "must hold one object"),
        ("{", "is not JSON"),
    ],
)
def test_a_wrong_option_is_named_in_one_sentence(
    tmp_path: Path, model: Path, options: dict[str, Any] | str, words: str
) -> None:
    changed = {**served(tmp_path / "s.sock", model), **options} if isinstance(options, dict) else options
    status, output = run(tmp_path, changed)

    assert status == 2
    assert output.startswith("serve_model: ")
    assert len(output.splitlines()) == 1
    assert words in output


EVERY_OPTION = """
import sys, xllamacpp, serve_options as options

samples = {bool: True, int: 1, float: 1.0, str: "", list: ["a"], set: ["a"]}
for name, place in options.PLACES.items():
    current = xllamacpp.CommonParams()
    for step in place.split("."):
        current = getattr(current, step)
    words = options.CHOICES[name][1] if name in options.CHOICES else [samples[type(current)]]
    for word in words:
        options.apply_option(xllamacpp.CommonParams(), name, word)
        print(name, word)
"""


def test_every_option_and_every_word_is_one_of_the_pinned_engine() -> None:
    ended = subprocess.run(
        [python(), "-c", EVERY_OPTION], cwd=PROGRAM.parent, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) > 100
