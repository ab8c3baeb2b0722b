# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and libraries that tests need on the controller."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

from lab.cache import directory, locked
from lab.shell import LabError, run, say

# Program, library or file → the packages of Debian and Ubuntu that bring it.
PROVIDERS = {
    "/usr/include/nlohmann/json.hpp": ("nlohmann-json3-dev",),
    "chromium-headless-shell": ("chromium-headless-shell",),
    "curl": ("curl",),
    "dockerd": ("docker.io", "apparmor", "iptables"),
    "g++": ("g++",),
    "gpg": ("gpg",),
    "haproxy": ("haproxy",),
    "htpasswd": ("apache2-utils",),
    "jq": ("jq",),
    "libgomp.so.1": ("libgomp1",),
    "lua5.3": ("lua5.3",),
    "mmdebstrap": ("mmdebstrap", "debian-archive-keyring"),
    "openssl": ("openssl",),
    "pebble": ("pebble",),
    "mkfs.ext4": ("e2fsprogs",),
    "qemu-system-x86_64": ("qemu-system-x86",),
    "restic": ("restic",),
    "ssh-keygen": ("openssh-client",),
}


# Programs of packages that would start a server where they are installed.
UNPACKED = {
    "docker-registry": "docker-registry",
    "promtool": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
}


def unpacked(program: str) -> Path:
    """A program of the distribution's package, which is fetched and not installed; kept with the lab's images."""
    found = shutil.which(program)
    if found:
        return Path(found)
    package = UNPACKED[program]
    place = directory("stock", "unpacked", package)
    path = place / "usr/bin" / program
    with locked("packages"):
        if not path.exists():
            if not shutil.which("apt-get"):
                raise LabError(f"what tests need is missing here: install {program} (Debian: {package})")
            say(f"fetching {package}")
            with tempfile.TemporaryDirectory(dir=place) as aside:
                run("sh", "-c", 'cd "$1" && apt-get -qq download "$2"', "sh", aside, package)
                run("dpkg-deb", "--extract", next(Path(aside).glob("*.deb")), place)
    return path


def provide(*programs: str) -> None:
    """Install what is missing, or say in one sentence what to install."""
    with locked("packages"):
        names = [name for program in programs if not _is_there(program) for name in PROVIDERS[program]]
        if not names:
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise LabError(f"what tests need is missing here; as root: apt-get install {' '.join(names)}")
        say(f"installing {', '.join(names)}")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "-qq", "update", environment=quiet)
        run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *names, environment=quiet)


def _is_there(name: str) -> bool:
    if name.endswith(".hpp"):
        return Path(name).exists()
    if ".so" not in name:
        return bool(shutil.which(name))
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
