# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine, the gateway as the role makes it, and LiteLLM's proxy, each running while it is used as a context."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from integration import locked
from integration.conftest import PROJECT, Runner
from load import Door

HERE = Path(__file__).parent
HAPROXY = os.environ.get("HEARTH_TEST_HAPROXY", "/usr/sbin/haproxy")
LITELLM = HERE / "litellm.txt"
SLOTS = 16
KEYS = {"flood": "sk-flood-0123456789", "quiet": "sk-quiet-0123456789"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(*command: str, port: int, environment: dict[str, str] | None = None, log: Path) -> Iterator[None]:
    """A program, from when it listens."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 120
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{' '.join(command)} does not listen on {port}:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def engine(directory: Path, slots: int, token_seconds: float) -> Iterator[Door]:
    port = free_port()
    command = (sys.executable, str(HERE / "engine.py"), str(port), str(slots), str(token_seconds))
    with running(*command, port=port, log=directory / "engine.log"):
        yield Door("engine", port)


@contextlib.contextmanager
def gateway(
    directory: Path, address: str, slots: int, *, name: str = "gateway", tree: Path = PROJECT
) -> Iterator[Door]:
    """The gateway as the role of a tree makes it, in the runtime `process`."""
    home = directory / f"playbook-{name}"
    home.mkdir()
    directory = directory / name
    play = Runner(home)
    port = free_port()
    description = {
        "hearth_runtime": "process",
        "hearth_directory": str(directory / "h"),
        "hearth_secrets_directory": str(directory / "secrets"),
        "gateway_program": HAPROXY,
        "gateway_address": "127.0.0.1",
        "gateway_port": port,
        "gateway_metrics_port": free_port(),
        # A picture of 20 MB, as clients send it.
        "gateway_max_body_bytes": 28 << 20,
        # An older tree knows one address.
        "gateway_models": {
            "bench": {"address": address, "addresses": [address], "slots": slots, "max_output_tokens": 1000}
        },
        "gateway_api_keys": [{"name": name, "key": key} for name, key in KEYS.items()],
    }

    def describe(state: str) -> None:
        roles = ["hearth.llm.certificates", "hearth.llm.gateway"]
        variables = {**description, "gateway_state": state}
        collections = {"ANSIBLE_COLLECTIONS_PATH": str(tree / ".collections")}
        play([{"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": roles}], variables=collections)

    describe("present")
    try:
        yield Door(name, port, KEYS["quiet"], directory / "secrets/tls/ca.pem", f"-f\0{directory}/h")
    finally:
        describe("absent")


@contextlib.contextmanager
def first_come_first_served(directory: Path, door: Door) -> Iterator[Door]:
    """The same configuration, with a queue that knows no turns."""
    files = directory / "fifo"
    shutil.copytree(directory / "gateway/h/services/gateway/current", files, symlinks=False)
    port, metrics_port = free_port(), free_port()
    path = files / "haproxy.cfg"
    text = path.read_text()
    text, turns = re.subn(r"^ *http-request set-priority-offset .*$", "", text, flags=re.MULTILINE)
    text = (
        text.replace(f":{door.port}\n", f":{port}\n")
        .replace("_gateway.sock", "_fifo.sock")
        .replace("_door.sock", "_fifo_door.sock")
    )
    text, binds = re.subn(r"(frontend metrics\n +bind \S+:)\d+", rf"\g<1>{metrics_port}", text)
    if (turns, binds) != (1, 1):
        raise SystemExit(f"{path} has not the lines that this benchmark changes.")
    path.write_text(text)
    with running(HAPROXY, "-W", "-db", "-f", str(path), port=port, log=directory / "fifo.log"):
        yield Door("fifo", port, door.key, door.authority)


@contextlib.contextmanager
def haproxy_alone(directory: Path, engine_door: Door, certificate: Path, key: Path, authority: Path) -> Iterator[Door]:
    """TLS, a slot for each request and nothing else: what of the gateway's cost is HAProxy's."""
    port, path = free_port(), directory / "alone.cfg"
    pem = directory / "alone.pem"
    pem.touch(0o600)
    pem.write_text(certificate.read_text() + key.read_text())
    path.write_text(
        f"""
global
    maxconn 1000
defaults
    mode http
    option http-server-close
    http-reuse never
    option http-no-delay
    timeout connect 5s
    timeout client 300s
    timeout server 300s
listen alone
    bind 127.0.0.1:{port} ssl crt {pem}
    server engine 127.0.0.1:{engine_door.port} maxconn {SLOTS}
"""
    )
    with running(HAPROXY, "-W", "-db", "-f", str(path), port=port, log=directory / "alone.log"):
        yield Door("HAProxy", port, "none", authority, str(path))


@contextlib.contextmanager
def litellm(directory: Path, engine_door: Door, certificate: Path, key: Path, authority: Path) -> Iterator[Door]:
    program = locked.python(LITELLM).with_name("litellm")
    port, master_key = free_port(), "sk-litellm-0123456789"
    configuration = directory / "litellm.yaml"
    configuration.write_text(
        f"""
model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: http://127.0.0.1:{engine_door.port}/v1
      api_key: none
litellm_settings:
  telemetry: false
general_settings:
  master_key: {master_key}
"""
    )
    command = (str(program), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port))
    tls = ("--ssl_certfile_path", str(certificate), "--ssl_keyfile_path", str(key))
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    with running(*command, *tls, port=port, environment=quiet, log=directory / "litellm.log"):
        yield Door("LiteLLM", port, master_key, authority, str(configuration))
