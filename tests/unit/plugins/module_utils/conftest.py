# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made of files, and a Docker engine that knows two answers."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


MakeHost = Callable[..., Host]
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
X86 = "processor\t: 0\nmodel name\t: Some processor\nflags\t\t: fpu vmx avx avx2\n\nprocessor\t: 1\n"
MEMORY = "MemTotal:       16384000 kB\nMemFree:          100000 kB\nMemAvailable:   15000000 kB\n"


@pytest.fixture
def make_host(tmp_path: Path) -> MakeHost:
    """A Debian machine with 16 GB of memory, and whatever files a test lays over it."""

    def make(**files: str) -> Host:
        machine = {
            "/etc/os-release": DEBIAN,
            "/proc/1/comm": "systemd\n",
            "/proc/cpuinfo": X86,
            "/proc/meminfo": MEMORY,
            "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
        }
        for path, text in {**machine, **files}.items():
            target = tmp_path / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return Host(str(tmp_path))

    return make


@pytest.fixture
def docker_engine(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the engine of the host answers, question by question."""
    answers: dict[str, Any] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in answers else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answers.get(self.path)).encode())

        def address_string(self) -> str:
            return "local"

        def log_message(self, *_arguments: object) -> None:
            pass

    (tmp_path / "run").mkdir()
    with _Server(str(tmp_path / "run/docker.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield answers
        server.shutdown()
        thread.join()
