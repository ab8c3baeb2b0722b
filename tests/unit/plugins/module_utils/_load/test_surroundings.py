# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else is written down: the host each second, and what engines have counted."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._load import metrics, traces
from ansible_collections.hearth.llm.plugins.module_utils._load.records import RawFolder
from ansible_collections.hearth.llm.plugins.module_utils._load.traces import Traces
from fakes.talker import GOOD, Talker

from .conftest import Asked

SMI = """#!/bin/sh
echo '0, NVIDIA H200, 37, 1024, 143771, 121.50, 45'
echo '1, GRID A100, [N/A], 10, 40960, [N/A], [N/A]'
"""
# As llama-server and vLLM write it.
TOLD = r"""# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 1234
vllm:num_requests_running{engine="0",model_name="chat {x} \"y\""} 2.0 1700000000000
vllm:e2e_request_latency_seconds_bucket{le="+Inf",model_name="chat"} 7.0
vllm:e2e_request_latency_seconds_sum{model_name="chat"} 1.5e-3
llamacpp:kv_cache_usage_ratio NaN
not a line at all
"""
READ = {
    "llamacpp:prompt_tokens_total": 1234.0,
    r'vllm:num_requests_running{engine="0",model_name="chat {x} \"y\""}': 2.0,
    'vllm:e2e_request_latency_seconds_sum{model_name="chat"}': 0.0015,
}


def proc(root: Path, user: int, idle: int) -> None:
    (root / "proc").mkdir(parents=True, exist_ok=True)
    (root / "proc/stat").write_text(f"cpu  {user} 0 0 {idle} 0 0 0 0 99999 0\ncpu0 1 1 1 1\n")
    (root / "proc/meminfo").write_text("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n")
    (root / "proc/loadavg").write_text("1.50 0.70 0.40 2/345 6789\n")


def test_the_host_is_as_proc_says_since_the_last_look(tmp_path: Path) -> None:
    proc(tmp_path, 1000, 1000)
    looking = Traces(RawFolder(str(tmp_path)), lambda: 12.3456, Host(str(tmp_path)))
    assert looking.look()["cpu"] is None
    proc(tmp_path, 1025, 1075)
    told = looking.look()
    del told["host"]
    assert told == {"at": 12.346, "cpu": 0.25, "memory_used": 614400, "memory_total": 1024000, "load": 1.5, "gpus": []}


def test_gpus_say_what_they_know(tmp_path: Path) -> None:
    program = tmp_path / "usr/bin/nvidia-smi"
    program.parent.mkdir(parents=True)
    program.write_text(SMI)
    program.chmod(0o755)
    mib = 1 << 20
    assert Traces(RawFolder(str(tmp_path)), lambda: 0.0, Host(str(tmp_path))).look()["gpus"] == [
        {"index": 0, "name": "NVIDIA H200", "used": 0.37, "memory_used": 1024 * mib, "memory_total": 143771 * mib, "power": 121.5, "temperature": 45.0},
        {"index": 1, "name": "GRID A100", "used": None, "memory_used": 10 * mib, "memory_total": 40960 * mib, "power": None, "temperature": None},
    ]  # fmt: skip


def test_a_line_is_written_each_time_until_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "SECONDS", 0.01)
    written = threading.Event()
    folder = RawFolder(str(tmp_path))
    monkeypatch.setattr(folder, "add", lambda _name, _told: written.set())
    with Traces(folder, lambda: 0.0) as looking:
        assert written.wait(20)
    assert not looking._thread.is_alive()


@pytest.fixture
def engine() -> Iterator[tuple[str, list[str | None]]]:
    keys: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(TOLD.encode())

        def log_message(self, *_words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics", keys
        server.shutdown()


def test_series_are_read_with_their_labels_and_without_their_buckets() -> None:
    assert metrics.read(TOLD) == READ


def test_engines_are_asked_before_and_after_and_one_that_is_gone_fails_nothing(
    engine: tuple[str, list[str | None]], talker: Callable[..., Talker], ask: Callable[..., Asked]
) -> None:
    there = talker([GOOD])
    address, keys = engine
    gone = {"name": "gone", "socket": "/nowhere/engine.sock"}
    engines = [{"name": "chat", "url": address, "key": "sk-engine-0123456789"}, gone]
    asked = ask(f"http://127.0.0.1:{there.port}/v1", {"engines": engines, "running": {"models": {"chat": "a.gguf"}}})
    told = json.loads((asked.directory / "engines.json").read_text())
    assert told["before"] == told["after"] == {"chat": READ}
    assert list(told["unread"]) == list(asked.result["unread"]) == ["gone"]
    assert keys == ["Bearer sk-engine-0123456789"] * 2
    assert asked.run["running"] == {"models": {"chat": "a.gguf"}}
    assert "sk-engine" not in "".join(path.read_text() for path in asked.directory.iterdir())
