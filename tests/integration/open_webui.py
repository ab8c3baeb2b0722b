# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open WebUI itself, from PyPI, as the role pins it: started on a port of its own, with a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from fakes import ports
from integration import locked

LOCK = Path(__file__).resolve().parents[2] / "roles/open_webui/files/open_webui.txt"
EMAIL, PASSWORD = "admin@example.com", "correct horse battery"
# Closed, quiet, and nothing fetched from elsewhere.
ENVIRONMENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "AUDIO_STT_ENGINE": "web",
    "DO_NOT_TRACK": "true",
    "ENABLE_API_KEYS": "true",
    "ENABLE_COMMUNITY_SHARING": "false",
    "ENABLE_FOLLOW_UP_GENERATION": "false",
    "ENABLE_OLLAMA_API": "false",
    "ENABLE_PLUGINS": "false",
    "ENABLE_RETRIEVAL_QUERY_GENERATION": "false",
    "ENABLE_SIGNUP": "false",
    "ENABLE_TAGS_GENERATION": "false",
    "ENABLE_TITLE_GENERATION": "false",
    "OFFLINE_MODE": "true",
    "OPENAI_API_BASE_URLS": "",
    "RAG_EMBEDDING_ENGINE": "openai",
    "SCARF_NO_ANALYTICS": "true",
    "WEBUI_SECRET_KEY": "not a secret in a test",
}


def python() -> Path:
    """A Python that has Open WebUI. It runs on Python 3.11 and 3.12 only."""
    for interpreter in (sys.executable, "python3.12", "python3.11"):
        place = shutil.which(interpreter)
        if place and _version(place) in ("3.11", "3.12"):
            return locked.python(LOCK, place)
    pytest.skip("Open WebUI wants Python 3.11 or 3.12, and this machine has neither")


def _version(interpreter: str) -> str:
    words = [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()


@dataclass
class OpenWebui:
    """Runs while it is used as a context. Without `variables` it knows nobody: the first who signs up is its administrator."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.port = ports.free()
        (self.directory / "home").mkdir(parents=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def start(self) -> None:
        program = python().with_name("open-webui")
        data = self.directory / "data"
        environment = {
            **ENVIRONMENT,
            # Browsers of any other origin get no WebSocket, and wait for ever.
            "CORS_ALLOW_ORIGIN": self.url,
            "DATA_DIR": str(data),
            "HOME": str(self.directory / "home"),
            "PATH": os.environ["PATH"],
            "STATIC_DIR": str(data / "static"),
            **self.variables,
        }
        with (self.directory / "log").open("a") as log:
            self._process = subprocess.Popen(
                [str(program), "serve", "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=self.directory,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(120)

    def restart(self, variables: dict[str, str] | None = None) -> None:
        self.stop()
        self.variables = {**self.variables, **(variables or {})}
        self.start()

    def ask(self, method: str, path: str, payload: Any = None, *, key: str | None = None) -> Any:
        """The server's own answer, as a user's browser would get it."""
        request = urllib.request.Request(self.url + path, method=method)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        if payload is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(payload).encode()
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def _wait(self) -> None:
        deadline = time.monotonic() + 300
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.ask("GET", "/ready")
            except (OSError, ValueError):
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"Open WebUI did not come up:\n{self.log[-3000:]}")
