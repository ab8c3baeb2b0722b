# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines of llama.cpp, as the runtime `process` has them, each with the model that is shipped."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doors import free_port
from integration.conftest import PROJECT
from integration.wheel import serving
from load import Door

MODEL = PROJECT / "files/models/hearth-mini.gguf"
# Tokens that it was trained for, of a conversation.
CONTEXT = 2048
ENGINE_KEY = "sk-engine-0123456789"


@contextlib.contextmanager
def real_engines(directory: Path, count: int, *, slots: int, cache_mib: int = 512) -> Iterator[list[Door]]:
    """`cache_mib` is what the role llama_cpp gives each by default for prompts that no slot holds any more."""
    with contextlib.ExitStack() as running:
        doors = []
        for number in range(count):
            name, port = f"engine{number}", free_port()
            (directory / f"{name}.keys").write_text(f"{ENGINE_KEY}\n")
            options: dict[str, Any] = {
                "model": str(MODEL),
                "alias": "bench",
                "host": "127.0.0.1",
                "port": port,
                "ctx-size": CONTEXT * slots,
                "parallel": slots,
                "cache-ram": cache_mib,
                "threads": 1,
                "api-key-file": str(directory / f"{name}.keys"),
                "jinja": True,
            }
            process = running.enter_context(serving(directory, name, options))
            end = time.monotonic() + 120
            while not _is_up(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise SystemExit((directory / f"{name}.log").read_text()[-3000:])
                time.sleep(0.05)
            doors.append(Door(name, port, ENGINE_KEY))
        yield doors


def _is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
