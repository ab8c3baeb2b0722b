# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test hosts: containers in which systemd is the first process, an SSH server listens and a Docker engine can run."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import engine, identity, images, network, packages
from lab.cache import directory, locked
from lab.recipes import Recipe
from lab.shell import LabError, await_condition, run, say

USER = "admin"
NAME_LABEL = "hearth.lab.host"
ADDRESS_LABEL = "hearth.lab.address"

# Named one by one instead of --privileged: like a machine of its own, and no more than that.
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE")
CONFINEMENT = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")

# A container loses what was made in the place of the device when it restarts.
TUN = """
cat > /etc/systemd/system/tun.service <<'END'
[Unit]
Before=hearth-private-network.service
[Service]
Type=oneshot
ExecStart=sh -c 'mkdir -p /dev/net && test -e /dev/net/tun || mknod /dev/net/tun c 10 200'
[Install]
WantedBy=multi-user.target
END
systemctl enable --now --quiet tun
"""


@dataclass(frozen=True)
class Host:
    """One test host and how to reach it."""

    name: str
    address: str

    @property
    def container(self) -> str:
        """The name of its container, and the stem of its volumes' names."""
        return f"hearth-lab-{self.name}"

    @property
    def address_6(self) -> str:
        """Its IPv6 address."""
        return network.address_6(self.address)

    @property
    def volumes(self) -> dict[str, str]:
        """What must not lie on the container's own overlay, for engines put overlays there: volume → path."""
        return {f"{self.container}-docker": "/var/lib/docker", f"{self.container}-containerd": "/var/lib/containerd"}

    @property
    def known_hosts(self) -> Path:
        """The file with its SSH key, for a client that trusts nothing else."""
        return directory("hosts", self.name) / "known_hosts"

    def execute(self, *command: str) -> str:
        """Run a command in it as root, without SSH."""
        return run("docker", "exec", self.container, *command)

    def shell(self, command: str) -> str:
        """What a line of shell prints, as root; it stops at the first command that fails."""
        return self.execute("sh", "-ec", command).strip()

    def succeeds(self, command: str) -> bool:
        try:
            self.shell(command)
        except LabError:
            return False
        return True


def up(name: str, recipe: Recipe, data: Path | None = None) -> Host:
    """Bring a host up and await it; one that exists is started if need be and otherwise left as it is.

    `data` is an archive that becomes the content of the host's /var/lib/docker.
    """
    platform = engine.ensure()
    for host in existing():
        if host.name == name:
            return start(host)
    packages.provide("ssh-keygen", "openssl")
    images.ensure([recipe])
    with locked("hosts"):
        subnet = network.ensure()
        host = Host(name, network.free_address(subnet, [other.address for other in existing()]))
        _create(host, recipe, platform)
    if data is not None:
        run("docker", "cp", "-", f"{host.container}:/var/lib/docker", stdin=data)
    run("docker", "cp", "-", f"{host.container}:/", stdin=identity.archive(host.address, host.known_hosts))
    return start(host)


def fresh(name: str, recipe: Recipe, data: Path | None = None) -> Host:
    """The same for who wants nothing of what a host of that name was before, as an interrupted run may have left it."""
    engine.ensure()
    down([host for host in existing() if host.name == name])
    return up(name, recipe, data)


def give_tun(host: Host) -> None:
    """Let it make tunnels in a program of its own, as every machine does, and after a restart, too."""
    host.shell(TUN)


def start(host: Host) -> Host:
    """Start a host and wait until systemd has started everything and the SSH server greets."""
    run("docker", "start", host.container)
    state = await_condition(
        f"systemd on {host.name}", lambda: _system_state(host), seconds=60, explain=lambda: _units(host)
    )
    if state == "degraded":
        say(f"{host.name} runs, but not everything on it:\n{_units(host)}")
    await_condition(
        f"SSH on {host.name}", lambda: _greeting(host), seconds=30, explain=lambda: host.execute("systemctl", "status")
    )
    return host


def reboot(host: Host) -> Host:
    """Shut a host down by its systemd and start it again."""
    run("docker", "stop", "--time=60", host.container)
    return start(host)


def down(hosts: Sequence[Host]) -> None:
    """Remove hosts and all that they kept."""
    for host in hosts:
        run("docker", "rm", "--force", "--volumes", host.container)
        run("docker", "volume", "rm", "--force", *host.volumes)
    with locked("hosts"):
        if not existing() and network.find():
            run("docker", "network", "rm", network.NAME)


def existing() -> list[Host]:
    """All hosts of the lab, running or not."""
    form = f'{{{{.Label "{NAME_LABEL}"}}}} {{{{.Label "{ADDRESS_LABEL}"}}}}'
    lines = run("docker", "ps", "--all", "--filter", f"label={NAME_LABEL}", "--format", form).splitlines()
    return sorted((Host(*line.split()) for line in lines), key=lambda host: host.name)


def inventory(hosts: Sequence[Host]) -> dict[str, Any]:
    """What Ansible must know to reach hosts."""
    subnet = network.find()
    return {
        "all": {
            # The controller, as hosts see it: where its fake hub listens.
            "vars": {"lab_gateway": network.gateway(subnet)} if subnet else {},
            "hosts": {
                host.name: {
                    "ansible_host": host.address,
                    "lab_addresses": [host.address, *([host.address_6] if network.speaks_ipv6() else [])],
                    "ansible_user": USER,
                    "ansible_python_interpreter": "/usr/bin/python3",
                    "ansible_ssh_private_key_file": str(identity.key()),
                    "ansible_ssh_common_args": f"-o UserKnownHostsFile={host.known_hosts} -o StrictHostKeyChecking=yes",
                }
                for host in hosts
            },
        }
    }


def _create(host: Host, recipe: Recipe, platform: engine.Engine) -> None:
    # Version 1: nested engines find their groups only in the machine's own hierarchy. Version 2: only in one that
    # begins at the container.
    cgroups = (
        ("--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw")
        if platform.cgroup_version == "1"
        else ("--cgroupns=private",)
    )
    # What an engine has kept of another life, such as ports that it holds for containers, would begin this one.
    run("docker", "volume", "rm", "--force", *host.volumes)
    run(
        *("docker", "create", f"--name={host.container}", f"--hostname={host.name}"),
        *(f"--label={NAME_LABEL}={host.name}", f"--label={ADDRESS_LABEL}={host.address}"),
        *(f"--network={network.NAME}", f"--ip={host.address}", f"--network-alias={host.name}"),
        *((f"--ip6={host.address_6}",) if network.speaks_ipv6() else ()),
        *(f"--cap-add={capability}" for capability in CAPABILITIES),
        *(f"--security-opt={option}" for option in CONFINEMENT),
        *("--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec"),
        *cgroups,
        *(f"--volume={volume}:{path}" for volume, path in host.volumes.items()),
        recipe.reference,
    )


def _system_state(host: Host) -> str | None:
    state = host.execute("sh", "-c", "systemctl is-system-running 2>&1 || true").strip()
    return state if state in ("running", "degraded") else None


def _units(host: Host) -> str:
    return host.execute("sh", "-c", "systemctl list-units --failed --no-legend; systemctl list-jobs --no-legend")


def _greeting(host: Host) -> str | None:
    try:
        with socket.create_connection((host.address, 22), timeout=2) as connection:
            return connection.recv(64).decode() or None
    except OSError:
        return None
