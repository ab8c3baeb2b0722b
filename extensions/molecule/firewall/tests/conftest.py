# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which everything careless is done that people do, behind a firewall that closes it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hearth.llm.plugins.modules import exposure_proof
from lab import hosts
from lab.shell import LabError, await_condition, run

ENGINE, METRICS, LISTENER, DOCKER = 18080, 8404, 18082, 2375
CONFIG = "/var/lib/hearth/services/gateway/current"
IMAGE = "ghcr.io/ggml-org/llama.cpp:server-b11176"
# A model that is served without a key to all the world, the engine's own API without TLS, a directory for all to read.
CARELESS = f"""
docker run --detach --name engine --network hearth --network-alias engine --publish 0.0.0.0:{ENGINE}:8080 \
    --volume /root/alpha.gguf:/alpha.gguf:ro {IMAGE} --model /alpha.gguf --host 0.0.0.0 --port 8080 --slots --metrics --ctx-size 512
cat > /etc/systemd/system/docker-tcp.socket <<'END'
[Socket]
ListenStream={DOCKER}
END
cat > /etc/systemd/system/docker-tcp.service <<'END'
[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd /run/docker.sock
END
mkdir /root/empty
systemd-run --quiet --unit=listener python3 -m http.server --bind :: --directory /root/empty {LISTENER}
systemctl daemon-reload
systemctl start docker-tcp.socket
"""


class Victim:
    """The host, and how it is spoiled."""

    def __init__(self, host: hosts.Host, secrets: Path) -> None:
        self.host, self.secrets = host, secrets
        self.addresses = [host.address, host.address_6]

    def shell(self, command: str) -> str:
        return self.host.execute("sh", "-ec", command).strip()

    def put(self, content: bytes, path: str) -> None:
        """Writes a file on the host."""
        run(
            *("docker", "exec", "--interactive", self.host.container),
            *("sh", "-ec", f"cat > {shlex.quote(path)}"),
            stdin=content,
        )

    def restart_gateway(self) -> None:
        """HAProxy with the configuration that is there now."""
        self.shell("docker restart --time 1 hearth-gateway")
        self.await_answer(f"http://127.0.0.1:{METRICS}/health", "docker logs --tail 20 hearth-gateway")

    def await_answer(self, url: str, explain: str) -> None:
        def look() -> str | None:
            try:
                return self.shell(f"curl --silent --fail --max-time 2 {url}")
            except LabError:
                return None

        await_condition(f"an answer from {url}", look, seconds=60, explain=lambda: self.shell(f"{explain} 2>&1"))


@pytest.fixture(scope="session")
def victim(variables: dict[str, Any]) -> Iterator[Victim]:
    host = next(found for found in hosts.existing() if found.name == variables["inventory_hostname"])
    found = Victim(host, Path(variables["hearth_secrets_directory"]))
    model = Path(variables["lab_directory"], "hub/root/hearth/alpha/alpha.gguf")
    found.put(model.read_bytes(), "/root/alpha.gguf")
    found.shell(CARELESS)
    found.await_answer(f"http://127.0.0.1:{ENGINE}/health", "docker logs --tail 20 engine")
    yield found
    found.shell(
        "docker rm --force engine; systemctl stop docker-tcp.socket docker-tcp.service listener; rmdir /root/empty"
    )


@pytest.fixture(scope="session")
def prove(victim: Victim) -> Callable[..., dict[str, Any]]:
    """The proof by the module itself, in this process; in check mode, so that its findings are returned."""

    def run_module(**options: Any) -> dict[str, Any]:
        given = {
            "target": victim.host.name,
            "addresses": victim.addresses,
            "open_ports": [22, 443],
            "scan_ports": ["1-1024", str(DOCKER), str(METRICS), f"{ENGINE}-{LISTENER}"],
            "url": "https://hearth.test/v1",
            "ca_path": str(victim.secrets / "tls/ca.pem"),
            "api_key": (victim.secrets / "api_keys/default").read_text().strip(),
            "model": "alpha",
            **options,
        }
        checked = ArgumentSpecValidator(exposure_proof.argument_spec()).validate(given)
        assert not checked.error_messages
        return exposure_proof.run(checked.validated_parameters, check_mode=True)

    return run_module
