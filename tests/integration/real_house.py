# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real models on real engines behind the real gateway, as one description, and how they are asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openai
from fakes import ports
from integration.conftest import Outcome, Runner


class House:
    def __init__(self, directory: Path, playbook: Runner, models: dict[str, dict[str, Any]], **variables: Any) -> None:
        self.directory, self.models, self._playbook, self._variables = directory, models, playbook, variables
        self.port, self._metrics_port = ports.free(), ports.free()

    def describe(
        self,
        models: dict[str, Any] | None = None,
        *,
        succeeds: bool = True,
        state: str = "present",
        roles: Sequence[str] = (),
    ) -> Outcome:
        """With all roles, or with some where a test is about these."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "hearth_runtime": "process",
                "hearth_directory": str(self.directory / "h"),
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "hearth_models_lock_file": str(self.directory / "models.lock.yml"),
                "hearth_models": models or self.models,
                "hearth_domain": "localhost",
                "hearth_port": self.port,
                "hearth_address": "127.0.0.1",
                "hearth_gpu_policy": "none",
                # Of so small a model, threads wait longer for each other than one computes.
                "llama_cpp_options": {"threads": 1},
                "gateway_metrics_port": self._metrics_port,
                "llama_cpp_state": state,
                "gateway_state": state,
                "verify_exposure_enabled": False,
                **self._variables,
            },
            "roles": [f"hearth.llm.{role}" for role in roles]
            or [
                *([] if state == "absent" else ["hearth.llm.fit", "hearth.llm.models"]),
                "hearth.llm.llama_cpp",
                "hearth.llm.certificates",
                "hearth.llm.gateway",
                *([] if state == "absent" else ["hearth.llm.verify"]),
            ],
        }
        return self._playbook([play], succeeds=succeeds)

    @property
    def key(self) -> str:
        return (self.directory / "secrets/api_keys/default").read_text().strip()

    @property
    def authority(self) -> Path:
        return self.directory / "secrets/tls/ca.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    def ask(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, text = self.ask_gateway(path, json.dumps(body))
        return status, json.loads(text)

    def ask_gateway(self, path: str, body: str, method: str = "POST") -> tuple[int, str]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=30)
        connection.request(method, path, body, {"Authorization": f"Bearer {self.key}"})
        with contextlib.closing(connection):
            response = connection.getresponse()
            return response.status, response.read().decode()

    def openai(self) -> openai.OpenAI:
        client = openai.DefaultHttpxClient(verify=self.tls)
        return openai.OpenAI(
            base_url=f"https://localhost:{self.port}/v1", api_key=self.key, http_client=client, max_retries=0
        )

    def engine_says(self, model: str, path: str) -> str:
        return self.ask_engine("GET", model, path)[1]

    def ask_engine(self, method: str, model: str, path: str, body: str | None = None) -> tuple[int, str]:
        """What the engine itself answers, past the gateway."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.directory / f"h/run/{model}.sock"))
        key = (self.directory / "secrets/engine_key").read_text().strip()
        connection.request(method, path, body, {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        with contextlib.closing(connection):
            response = connection.getresponse()
            return response.status, response.read().decode()

    def properties(self, model: str) -> dict[str, Any]:
        """What the engine says of itself, which does not wake it."""
        return dict(json.loads(self.engine_says(model, "/props")))

    def told(self, model: str) -> dict[str, Any]:
        """What the engine was told."""
        content = (self.directory / f"h/services/llama_cpp-{model}/current/model.json").read_text()
        return dict(json.loads(content))
