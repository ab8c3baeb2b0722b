# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway as the role makes it, and how to ask it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
from fakes import ports
from fakes.engine import Engine
from integration.conftest import Outcome, Runner

# Another HAProxy than the distribution's can be put to the same test.
HAPROXY = os.environ.get("HEARTH_TEST_HAPROXY", "/usr/sbin/haproxy")
LIMIT = 2_000_000
LIMITED_KEY = "sk-limited-0123456789"
HASHED_KEY = "sk-hashed-0123456789"
HASH = hashlib.sha256(HASHED_KEY.encode()).hexdigest()
# Keys with limits, each with its name as the end of its text.
KEYS: list[dict[str, Any]] = [
    {"name": "watcher", "key": "sk-0123456789-watcher", "operator": True},
    {"name": "pair", "key": "sk-0123456789-pair", "concurrency": 2},
    {"name": "slow", "key": "sk-0123456789-slow", "requests_per_minute": 3},
    {"name": "nightly", "key": "sk-0123456789-nightly", "priority": "batch"},
    {"name": "chat", "key": "sk-0123456789-chat", "names_users": True},
    {"name": "few", "key": "sk-0123456789-few-", "tokens_per_day": 30, "tokens_per_month": 1000},
    {"name": "boss", "key": "sk-0123456789-boss", "operator": True},
    {"name": "former", "key": "sk-0123456789-former", "expires": "2026-01-31"},
]
SLOTS = 2
QUEUE_TIMEOUT, CLIENT_TIMEOUT = 10, 4
# Seconds that a request for the model hasty may take.
DEADLINE = 2
LONGEST_ANSWER = 500
MESSAGES: Any = [{"role": "user", "content": "Count to three."}]


def eventually(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.01)


def quickest(act: Callable[[], object], enough: float) -> float:
    """Seconds that it takes when the machine has time for it: whoever waits for somebody does so each time."""
    taken: list[float] = []
    while not taken or (min(taken) >= enough and len(taken) < 5):
        began = time.monotonic()
        act()
        taken.append(time.monotonic() - began)
    return min(taken)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def error(self) -> dict[str, Any]:
        """The error, which has to be in OpenAI's shape."""
        assert self.headers["Content-Type"] == "application/json"
        error = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return dict(error)


class Gateway:
    def __init__(self, directory: Path, run_playbook: Runner, alpha: Engine, beta: Engine) -> None:
        self.directory = directory
        self.port, self.metrics_port, self.redirect_port = ports.free(), ports.free(), ports.free()
        self.run_playbook = run_playbook
        self.models: dict[str, dict[str, Any]] = {
            "alpha": {"addresses": [alpha.address], "slots": SLOTS, "max_output_tokens": LONGEST_ANSWER},
            # The same engine, for what takes too long.
            "hasty": {"addresses": [alpha.address], "answer_deadline_seconds": DEADLINE},
            "beta": {"addresses": [beta.address]},
            "gone": {"addresses": [f"127.0.0.1:{ports.free()}"]},
        }

    def describe(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        """Runs the roles on this description."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "hearth_runtime": "process",
                "hearth_directory": str(self.directory / "h"),
                "gateway_program": HAPROXY,
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "gateway_address": "127.0.0.1",
                "gateway_port": self.port,
                "gateway_metrics_port": self.metrics_port,
                "gateway_redirect_port": self.redirect_port,
                "gateway_models": self.models,
                "gateway_api_keys": [
                    {"name": "all"},
                    {"name": "limited", "key": LIMITED_KEY, "models": ["alpha"]},
                    {"name": "hashed", "sha256": HASH, "models": ["beta", "gone"]},
                    *KEYS,
                ],
                "gateway_queue_length": 4,
                # Long enough for what a test does meanwhile on a machine that is busy.
                "gateway_queue_timeout_seconds": QUEUE_TIMEOUT,
                "gateway_request_timeout_seconds": 5,
                "gateway_idle_timeout_seconds": 2,
                "gateway_client_timeout_seconds": CLIENT_TIMEOUT,
                "gateway_max_body_bytes": LIMIT,
                **variables,
            },
            "roles": ["hearth.llm.certificates", "hearth.llm.gateway"],
        }
        return self.run_playbook([play], *options, succeeds=succeeds)

    @property
    def key(self) -> str:
        return (self.directory / "secrets" / "api_keys" / "all").read_text().strip()

    @property
    def authority(self) -> Path:
        return self.directory / "secrets" / "tls" / "ca.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    @property
    def workers(self) -> set[int]:
        """The processes of this gateway's HAProxy."""
        mine = str(self.directory / "h" / "services" / "gateway")
        found = set()
        for process in Path("/proc").iterdir():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                if process.name.isdecimal() and f"-f\0{mine}" in (process / "cmdline").read_text():
                    found.add(int(process.name))
        return found

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=60)

    def ask(
        self, method: str, path: str, body: Any = None, key: str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; `body` is sent as it is when it is text or bytes, and as JSON otherwise."""
        connection = self.connect()
        authorization = {"Authorization": f"Bearer {self.key if key is None else key}"}
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        connection.request(method, path, data, {**authorization, **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())

    def complete(self, body: Any, key: str | None = None) -> Answer:
        return self.ask("POST", "/v1/chat/completions", body, key)

    def openai(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"https://localhost:{self.port}/v1",
            api_key=key or self.key,
            http_client=openai.DefaultHttpxClient(verify=self.tls),
            max_retries=0,
        )

    def metrics(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    @property
    def rests(self) -> bool:
        """Whether no request is under way, also none whose client has gone."""
        return not re.search(r"^hearth_requests_open\{.*\} [1-9]", self.metrics("/metrics/keys"), re.MULTILINE)

    @property
    def log(self) -> str:
        return (self.directory / "h" / "services" / "gateway" / "service.log").read_text()
