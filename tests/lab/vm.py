# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with a kernel of its own, for what a container cannot show: kernel modules, AppArmor, a restart.

qemu computes every instruction of it (no KVM), so that it needs no more than any other program. It takes a minute or two to boot, and each
task of Ansible's some seconds.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import socket
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab import cache, identity, packages
from lab.shell import LabError, await_condition, run, say

SUITE = "noble"
# What Ubuntu's archive is trusted with, out of Debian's.
KEYRING_URL = "http://deb.debian.org/debian/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1-0.2_all.deb"
KEYRING_SHA256 = "b2e7ed48431bf9e7978ae810bbdaf253093570d6e3f864e575b7c13554b81174"
ARCHIVE = "http://archive.ubuntu.com/ubuntu"
# With Docker, which takes minutes to install at this speed, and what it does not work without on a kernel with AppArmor.
PACKAGES = (
    *("apt", "linux-image-virtual", "initramfs-tools", "kmod", "systemd-sysv", "systemd-resolved", "udev", "dbus"),
    *("openssh-server", "sudo", "python3", "python3-apt", "python3-requests", "ca-certificates", "gpgv"),
    *("docker.io", "apparmor", "nftables", "iproute2", "procps", "busybox-static", "unattended-upgrades"),
)
NETWORK = "[Match]\nName=en*\n[Network]\nDHCP=yes\n"
COMMANDS = (
    "useradd --create-home --shell /bin/bash admin",
    "echo 'admin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/admin",
    "install -d -m 0700 -o admin -g admin /home/admin/.ssh",
    f"printf {shlex.quote(NETWORK)} > /etc/systemd/network/10-lab.network",
    "systemctl enable systemd-networkd systemd-resolved ssh",
    "echo '127.0.1.1 vm' >> /etc/hosts",
    # Of the keyring that the image was made with, the machine has a copy of its own.
    "sed --in-place 's#signed-by=[^]]*#signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg#' /etc/apt/sources.list",
    "echo '/dev/vda / ext4 defaults 0 1' > /etc/fstab",
    # The machine is started with the initramfs that the image has now: to make it anew would take minutes for nothing.
    "sed --in-place s/update_initramfs=yes/update_initramfs=no/ /etc/initramfs-tools/update-initramfs.conf",
    # They would be the first thing that it does.
    "systemctl mask apt-daily.timer apt-daily-upgrade.timer",
)
MEMORY = "3072"
DISK = "12G"
BOOT_SECONDS = 400


@dataclass(frozen=True)
class Machine:
    """A machine that runs, and how to reach it."""

    directory: Path
    # Ports of this machine's loopback that lead to ports of the guest.
    ports: dict[int, int]

    @property
    def inventory(self) -> dict[str, Any]:
        known_hosts = self.directory / "known_hosts"
        variables = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.ports[22],
            "ansible_user": "admin",
            "ansible_become": True,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(identity.key()),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes",
        }
        return {"all": {"hosts": {"vm": variables}}}

    def execute(self, command: str) -> str:
        """Run a command in it as root."""
        return run(
            *(
                "ssh",
                "-i",
                identity.key(),
                "-p",
                str(self.ports[22]),
                "-o",
                f"UserKnownHostsFile={self.directory / 'known_hosts'}",
            ),
            *(
                "-o",
                "BatchMode=yes",
                "-o",
                "ConnectTimeout=60",
                "admin@127.0.0.1",
                f"sudo sh -ec {shlex.quote(command)}",
            ),
        )


@contextmanager
def up(directory: Path, guest_ports: tuple[int, ...] = (22,)) -> Iterator[Machine]:
    """Boot a machine that forgets everything at its end, and wait until it lets us in."""
    packages.provide("mmdebstrap", "mkfs.ext4", "qemu-system-x86_64", "ssh-keygen")
    image = _image()
    machine = Machine(directory, {port: _free_port() for port in guest_ports})
    known_hosts = directory / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{machine.ports[22]} {(image / 'host_key.pub').read_text()}")
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in machine.ports.items())
    log, pid_file = directory / "console.log", directory / "qemu.pid"
    run(
        *("qemu-system-x86_64", "-daemonize", "-pidfile", pid_file, "-display", "none", "-serial", f"file:{log}"),
        *("-accel", "tcg,thread=multi", "-smp", "2", "-m", MEMORY, "-cpu", "max"),
        *("-kernel", image / "vmlinuz", "-initrd", image / "initrd.img"),
        *("-append", "root=/dev/vda rw console=ttyS0 systemd.hostname=vm apparmor=1 security=apparmor"),
        *("-drive", f"file={image / 'root.img'},format=raw,if=virtio,snapshot=on"),
        *(
            "-netdev",
            f"user,id=net0{forwards}",
            "-device",
            "virtio-net-pci,netdev=net0,romfile=",
            "-device",
            "virtio-rng-pci",
        ),
    )
    try:
        say("waiting for the machine to boot")
        await_condition(
            "SSH on the machine",
            lambda: _answer(machine),
            seconds=BOOT_SECONDS,
            explain=lambda: log.read_text()[-3000:],
        )
        yield machine
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)


def _image() -> Path:
    """Root file system, kernel and initramfs, made once."""
    key = hashlib.sha256(repr((SUITE, PACKAGES, COMMANDS, DISK)).encode()).hexdigest()[:16]
    target = cache.directory("vm") / key
    with cache.locked("vm"):
        if target.exists():
            return target
        say(f"making a machine of Ubuntu {SUITE}")
        with TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch, "made")
            made.mkdir()
            _make(made, Path(scratch, "root"))
            made.rename(target)
    return target


def _make(made: Path, root: Path) -> None:
    known_hosts = made / "known_hosts"
    files = made / "identity.tar"
    files.write_bytes(identity.archive("vm", known_hosts))
    with tarfile.open(fileobj=BytesIO(files.read_bytes())) as archive:
        names = archive.getnames()
    hooks = [f'chroot "$1" sh -ec {shlex.quote(command)}' for command in COMMANDS]
    hooks.append(f'tar --extract --directory "$1" --file {files} {shlex.join(names)}')
    hooks.append('chroot "$1" chown --recursive admin:admin /home/admin')
    keyring = _keyring(made)
    suites = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
        # The keyring lies where only we may read.
        '--aptopt=APT::Sandbox::User "root"',
        *(f"--customize-hook={hook}" for hook in hooks),
        SUITE,
        root,
        *(f"deb [signed-by={keyring}] {ARCHIVE} {suite} main universe restricted" for suite in suites),
    )
    for name in ("vmlinuz", "initrd.img"):
        (boot,) = root.glob(f"boot/{name}-*")
        (made / name).write_bytes(boot.read_bytes())
    (made / "host_key.pub").write_text(known_hosts.read_text().partition(" ")[2])
    run("truncate", "--size", DISK, made / "root.img")
    run("mkfs.ext4", "-q", "-F", "-d", root, made / "root.img")
    run("rm", "--recursive", root)


def _keyring(directory: Path) -> Path:
    with urllib.request.urlopen(KEYRING_URL, timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != KEYRING_SHA256:
        raise LabError(f"{KEYRING_URL} is not what it was")
    package = directory / "keyring.deb"
    package.write_bytes(content)
    run("dpkg-deb", "--extract", package, directory / "keyring")
    return directory / "keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answer(machine: Machine) -> str | None:
    try:
        return machine.execute("systemctl is-system-running --wait || true").strip() or None
    except LabError:
        return None
