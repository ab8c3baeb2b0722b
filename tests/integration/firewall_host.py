# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the lab on which far too much is open, for tests of what closes it."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration.conftest import Outcome, Runner
from lab import hosts, recipes, stock
from lab.shell import LabError, await_condition

PUBLISHED, ON_LOOPBACK, LISTENER, DECLARED = 18080, 18081, 18082, 18083
# Something that answers, as a container and as a process of the host itself.
WEB = f"""
cat > /root/web.cfg <<'END'
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend web
    bind :8080
    http-request return status 200 content-type text/plain string here
END
docker run --detach --restart always --name web --volume /root/web.cfg:/web.cfg:ro \
    --publish {PUBLISHED}:8080 --publish 127.0.0.1:{ON_LOOPBACK}:8080 --publish {DECLARED}:8080 \
    haproxy:3.2.25 haproxy -f /web.cfg
mkdir /root/empty
cat > /etc/systemd/system/listener.service <<'END'
[Service]
ExecStart=python3 -m http.server --bind :: --directory /root/empty {LISTENER}
[Install]
WantedBy=multi-user.target
END
systemctl enable --now --quiet listener
"""
OPEN = [{"port": DECLARED, "comment": "declared"}]


@dataclasses.dataclass(frozen=True)
class Lab:
    """A host of the lab, and the role for it."""

    host: hosts.Host
    playbook: Callable[..., Outcome]

    def firewall(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        given = {"firewall_open_ports": OPEN, **variables}
        play = {"hosts": "all", "become": True, "gather_facts": False, "roles": [{"role": "hearth.llm.firewall"}]}
        return self.playbook([{**play, "vars": given}], "--diff", *options, succeeds=succeeds)

    def shell(self, command: str) -> str:
        return self.host.execute("sh", "-ec", command).strip()

    def answers(self, port: int) -> set[str]:
        """By which kind of address this machine reaches a port of the host."""
        return {
            kind
            for kind, address in (("IPv4", self.host.address), ("IPv6", self.host.address_6))
            if _answers(address, port)
        }

    def await_web(self) -> None:
        """Until the container answers on the host itself."""

        def look() -> str | None:
            try:
                return self.shell(f"curl --silent --fail --max-time 2 http://127.0.0.1:{ON_LOOPBACK}")
            except LabError:
                return None

        await_condition("the container to answer", look, seconds=60, explain=lambda: self.shell("docker ps --all"))


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.5).close()
    except OSError:
        return False
    return True


@contextmanager
def open_host(stem: str, playbook: Runner, directory: Path) -> Iterator[Lab]:
    """Brings the host up, and takes it down in the end."""
    # Where tests run side by side, each runner has a host of its own.
    name = f"{stem}-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    host = hosts.fresh(name, recipes.DEBIAN_12_DOCKER, stock.ensure())
    try:
        inventory = directory / "hosts.json"
        inventory.write_text(json.dumps(hosts.inventory([host])))

        def play(plays: Any, *options: str, **keywords: Any) -> Outcome:
            # Localhost is in the runner's own inventory.
            return playbook(plays, "--inventory", str(inventory), "--limit", name, *options, **keywords)

        found = Lab(host, play)
        found.shell(WEB)
        found.await_web()
        await_condition("the listener", lambda: found.answers(LISTENER) or None, seconds=20)
        assert found.answers(PUBLISHED) == found.answers(LISTENER) == {"IPv4", "IPv6"}
        yield found
    finally:
        hosts.down([host])
