# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose models come on their first request: a hub, the roles that serve them, and a client."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from fakes import ports
from fakes.hub import Hub
from integration.conftest import Outcome, Runner
from integration.programs import stop_all

MIB = 1 << 20
# Long enough to be caught on its way. What stands behind a GGUF file's tensors is nobody's.
MODEL_BYTES = 4 * MIB
KEY = "sk-0123456789-first-request"


def content(name: str) -> bytes:
    model = hello_model(name, f"I am {name}.")
    return model + bytes(MODEL_BYTES - len(model))


class Answer:
    def __init__(self, status: int, headers: http.client.HTTPMessage, body: str, seconds: float) -> None:
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def said(self) -> str:
        assert self.status == 200, self.body
        return str(json.loads(self.body)["choices"][0]["message"]["content"])

    @property
    def error(self) -> dict[str, Any]:
        error = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return dict(error)


class Host:
    """This machine, with the runtime `process`."""

    name = address = "localhost"

    def __init__(self, directory: Path, run_playbook: Runner, hub: Hub) -> None:
        self.directory, self.hub, self._run_playbook = directory, hub, run_playbook
        self.port, self.metrics_port = ports.free(), ports.free()
        self.models: dict[str, dict[str, Any]] = {}

    def publish(self, *names: str) -> None:
        for name in names:
            self.hub.publish(f"o/{identifier(name)}", {"model.gguf": content(name)})

    def describe(
        self, models: dict[str, dict[str, Any]], *roles: str, options: Sequence[str] = (), **variables: Any
    ) -> Outcome:
        """Runs the roles, with options of ansible-playbook. Each model has its source from the hub."""
        described = {
            name: {"source": f"hf://o/{identifier(name)}/model.gguf", "context_tokens": 256, **model}
            for name, model in models.items()
        }
        play = {
            "hosts": self.name,
            "gather_facts": False,
            "vars": {
                "hearth_secrets_directory": str(self.directory / "secrets"),
                "hearth_models_lock_file": str(self.directory / "lock.yml"),
                "models_lock_file": str(self.directory / "lock.yml"),
                "hearth_hub_endpoint": self.hub.url,
                "hearth_accept_removals": ["models"],
                "hearth_models": described,
                "hearth_api_keys": [{"name": "all", "key": KEY}],
                "gateway_port": self.port,
                "gateway_redirect_port": 0,
                "gateway_comment_seconds": 1,
                **self.own_variables(),
                **variables,
            },
            "roles": [f"hearth.llm.{role}" for role in roles],
        }
        return self._run_playbook([play], *options)

    def own_variables(self) -> dict[str, Any]:
        """What is described of this kind of host alone."""
        return {
            "hearth_runtime": "process",
            "hearth_directory": str(self.directory / "h"),
            "gateway_address": "127.0.0.1",
            "gateway_metrics_port": self.metrics_port,
        }

    def stop(self) -> None:
        """All that supervisor runs, without a play."""
        stop_all(self.directory / "h")

    def ask(
        self, model: str, *, stream: bool = False, headers: dict[str, str] | None = None, timeout: float = 60
    ) -> Answer:
        connection = self.connection(timeout)
        body = {"model": model, "messages": [{"role": "user", "content": "Speak."}], "temperature": 0, "stream": stream}
        began = time.monotonic()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}", **(headers or {})}
        )
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return Answer(response.status, response.headers, text, time.monotonic() - began)

    def connection(self, timeout: float) -> http.client.HTTPSConnection:
        tls = ssl.create_default_context(cafile=self.directory / "secrets/tls/ca.pem")
        # A lab host is asked by its address.
        tls.check_hostname = self.address == "localhost"
        return http.client.HTTPSConnection(self.address, self.port, context=tls, timeout=timeout)

    def asking(self, model: str, **how: Any) -> Asking:
        return Asking(self, model, how)

    @property
    def run_directory(self) -> Path:
        return self.directory / "h/run/fetcher"

    def state(self, name: str = "") -> Any:
        """As the service tells it."""
        connection = UnixConnection(str(self.run_directory / "fetcher.sock"), timeout=5)
        connection.request("GET", f"/models/{identifier(name)}" if name else "/models")
        return json.loads(connection.getresponse().read())

    def last_asked(self, name: str) -> float:
        return (self.run_directory / "present" / identifier(name)).stat().st_mtime

    def is_there(self, name: str) -> bool:
        return (self.directory / f"h/models/{identifier(name)}/model.gguf").exists()

    def kill_fetcher(self) -> None:
        for process in Path("/proc").iterdir():
            # Another process may end while it is looked at.
            with contextlib.suppress(OSError):
                if process.name.isdecimal() and str(self.run_directory).encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    return
        raise AssertionError("the service does not run")


class Asking(threading.Thread):
    """A request that is under way."""

    def __init__(self, host: Host, model: str, how: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._host, self._model, self._how = host, model, how
        self._answer: Answer | None = None
        self.start()

    def run(self) -> None:
        self._answer = self._host.ask(self._model, **self._how)

    @property
    def answer(self) -> Answer:
        self.join(60)
        assert self._answer, "no answer came"
        return self._answer
