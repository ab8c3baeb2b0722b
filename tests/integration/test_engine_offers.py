# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/api.md says of llama.cpp what llama.cpp answers.

Another build can be asked: HEARTH_TEST_LLAMA_SERVER="/usr/bin/llama-server" pytest tests/integration/test_engine_offers.py
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import PATHS
from ansible_collections.hearth.llm.tools.engine_offers import models
from ansible_collections.hearth.llm.tools.engine_offers import others as asked
from ansible_collections.hearth.llm.tools.engine_offers.asking import Door
from ansible_collections.hearth.llm.tools.engine_offers.page import page, tables
from integration.conftest import PROJECT
from integration.wheel import serving
from lab import packages

PAGE = PROJECT / "docs/api.md"
LLAMA_SERVER = "HEARTH_TEST_LLAMA_SERVER"


class Connection(http.client.HTTPConnection):
    """By a Unix socket, where the engine listens at one."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def door(model: str, path: Path) -> Door:
    return Door(model, lambda: Connection(path))


def await_model(asked: Door) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError, RuntimeError):
            asked.get("/health")
            return
        assert time.monotonic() < end, f"{asked.model} is not served"
        time.sleep(0.05)


@contextlib.contextmanager
def other_server(directory: Path, name: str, options: dict[str, Any]) -> Iterator[None]:
    """The same by llama-server itself, for which no is a flag of its own."""
    words = [
        word
        for flag, value in options.items()
        for word in (
            [f"--{flag}"] if value is True else [f"--no-{flag}"] if value is False else [f"--{flag}", str(value)]
        )
    ]
    with (directory / f"{name}.log").open("w") as log:
        process = subprocess.Popen([*shlex.split(os.environ[LLAMA_SERVER]), *words], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[dict[str, Door]]:
    packages.provide("libgomp.so.1")
    asked = {}
    with contextlib.ExitStack() as running:
        for name, options in models.options(tmp_path).items():
            # A path of a socket has to be short.
            path = tmp_path / f"{name}.sock"
            started = other_server if LLAMA_SERVER in os.environ else serving
            running.enter_context(started(tmp_path, name, {**options, "host": str(path)}))
            asked[name] = door(name, path)
        for one in asked.values():
            await_model(one)
        yield asked


def test_the_page_has_open_what_the_gateway_opens() -> None:
    opened = {path for engine in engines().values() for task in PATHS for path in engine.paths(task)}
    assert {path.path for path in asked.PATHS if not path.closed} == {*opened, "/v1/models"}


def test_the_page_says_what_the_engine_answers(doors: dict[str, Door]) -> None:
    said = PAGE.read_text()
    answered = page(said, "llama.cpp", tables(doors))
    assert answered == said, "docs/api.md is not what llama.cpp answers: python -m tools.engine_offers writes it anew"
