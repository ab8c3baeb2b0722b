# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles on a machine with a kernel of its own: AppArmor, a firewall that outlives a restart, and Ubuntu's real driver packages.

The tests go on where the one before has stopped: a machine like this takes a minute to boot, and minutes to install anything.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab import vm as lab_vm
from lab.shell import await_condition

HOUR = 3600
# A page of a container that is published as carelessly as people do.
PUBLISH = """
mkdir -p /srv/page/bin /srv/page/www; cp /bin/busybox /srv/page/bin/; echo 'Here I am' > /srv/page/www/index.html
tar --create --directory /srv/page . | docker import - page:1
docker run --detach --restart always --publish 0.0.0.0:8080:80 page:1 /bin/busybox httpd -f -p 80 -h /www
"""
# The machine has no card, and qemu none that it could lend: files say that there is one, again at each start.
CARD = """
cat > /usr/local/sbin/lab-card <<'END'
#!/bin/sh -e
mount -t tmpfs none /sys/bus/pci/devices
mkdir /sys/bus/pci/devices/0000:01:00.0
cd /sys/bus/pci/devices/0000:01:00.0
echo 0x10de > vendor; echo 0x27b8 > device; echo 0x030200 > class
END
chmod 0755 /usr/local/sbin/lab-card
printf '%s\\n' '[Unit]' Before=ssh.service '[Service]' Type=oneshot ExecStart=/usr/local/sbin/lab-card RemainAfterExit=yes \
    '[Install]' WantedBy=multi-user.target > /etc/systemd/system/lab-card.service
systemctl enable --now lab-card.service
"""
Play = Callable[..., Any]


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab_vm.Machine]:
    with lab_vm.up(tmp_path_factory.mktemp("vm"), (22, 8080)) as machine:
        yield machine


@pytest.fixture(scope="module")
def play(vm: lab_vm.Machine, module_playbook: Play) -> Play:
    """Runs a role on the machine."""
    inventory = vm.directory / "hosts.json"
    inventory.write_text(json.dumps(vm.inventory))

    def run(role: str, *options: str, succeeds: bool = True, **variables: Any) -> Any:
        plays = [{"hosts": "vm", "gather_facts": False, "vars": variables, "roles": [f"hearth.llm.{role}"]}]
        return module_playbook(plays, "--inventory", str(inventory), *options, succeeds=succeeds, timeout=HOUR)

    return run


def page(vm: lab_vm.Machine) -> str | None:
    """What the container answers to somebody outside; nothing if the way is closed."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{vm.ports[8080]}/", timeout=10) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None


def test_docker_confines_containers_by_apparmor(vm: lab_vm.Machine, play: Play) -> None:
    play("docker")
    assert play("docker").changed == 0
    vm.execute(PUBLISH)
    assert "apparmor" in vm.execute("docker info --format '{{.SecurityOptions}}'")
    profile = vm.execute("docker exec $(docker ps --quiet) /bin/busybox cat /proc/1/attr/current")
    assert profile.strip() == "docker-default (enforce)"
    assert await_condition("the page", lambda: page(vm), seconds=60) == "Here I am\n"


def test_a_firewall_closes_what_docker_has_opened(vm: lab_vm.Machine, play: Play) -> None:
    settings: dict[str, Any] = {"firewall_open_ports": [], "firewall_ssh_port": 22, "firewall_watchdog_seconds": 300}
    play("firewall", **settings)
    assert play("firewall", **settings).changed == 0
    assert page(vm) is None
    assert "Here I am" in vm.execute("busybox wget -q -O - http://127.0.0.1:8080/")


def test_a_driver_is_installed_signed_and_held_and_the_host_restarted_once(vm: lab_vm.Machine, play: Play) -> None:
    vm.execute(CARD)
    settings: dict[str, Any] = {"nvidia_containers": False, "nvidia_reboot_allowed": True}
    before = vm.execute("cat /proc/sys/kernel/random/boot_id")
    assert "signed for Secure Boot" in play("nvidia", "--check", **settings).words
    assert not vm.execute("dpkg-query --show 'nvidia-*' 2>/dev/null || true")

    # There is no card behind the files, and the role does not say that all is well.
    outcome = play("nvidia", succeeds=False, **settings)
    assert "The driver does not work on vm although it is installed" in outcome.words
    assert vm.execute("cat /proc/sys/kernel/random/boot_id") != before

    module = vm.execute("modinfo nvidia")
    assert "Dual MIT/GPL" in module
    assert "Canonical Ltd." in module
    assert "580." in vm.execute("modinfo --field version nvidia")
    assert "blacklist nouveau" in vm.execute("modprobe --showconfig")
    held = vm.execute("apt-mark showhold").split()
    assert {"nvidia-utils-580-server", "libnvidia-compute-580-server", "linux-image-virtual"} <= set(held)
    assert "linux-modules-nvidia-" in vm.execute("apt-config dump Unattended-Upgrade::Package-Blacklist")


def test_after_the_restart_the_firewall_is_there_before_anybody_could_come(vm: lab_vm.Machine) -> None:
    await_condition(
        "the container",
        lambda: vm.execute("docker ps --quiet").strip() or None,
        seconds=120,
        explain=lambda: vm.execute("docker ps --all"),
    )
    assert page(vm) is None
    assert "table inet hearth" in vm.execute("nft list tables")
    assert "Here I am" in vm.execute("busybox wget -q -O - http://127.0.0.1:8080/")
    order = vm.execute(
        "systemctl show --property ActiveEnterTimestampMonotonic --value hearth-firewall.service docker.service"
    ).split()
    assert int(order[0]) < int(order[1])
