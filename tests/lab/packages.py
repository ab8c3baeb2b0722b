# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that tests need on the controller."""

from __future__ import annotations

import os
import shutil

from lab.cache import locked
from lab.shell import LabError, run, say

# Program → the packages of Debian and Ubuntu that bring it.
PROVIDERS = {
    "dockerd": ("docker.io", "apparmor", "iptables"),
    "gpg": ("gpg",),
    "haproxy": ("haproxy",),
    "mmdebstrap": ("mmdebstrap", "debian-archive-keyring"),
    "openssl": ("openssl",),
    "ssh-keygen": ("openssh-client",),
}


def provide(*programs: str) -> None:
    """Install what is missing, or say in one sentence what to install."""
    with locked("packages"):
        names = [name for program in programs if not shutil.which(program) for name in PROVIDERS[program]]
        if not names:
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise LabError(f"what tests need is missing here; as root: apt-get install {' '.join(names)}")
        say(f"installing {', '.join(names)}")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "-qq", "update", environment=quiet)
        run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *names, environment=quiet)
