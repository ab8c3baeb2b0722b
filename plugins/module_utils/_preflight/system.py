# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of system this is: distribution, Python, rights, virtualisation, control groups. PRIVATE to the collection."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._host.facts import virtualisation
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import error, notice, ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import Finding
    from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

# The oldest Python on a target that ansible-core 2.19 and our modules know.
OLDEST_PYTHON = (3, 8)


def check_os(host: Host, wanted: Wanted) -> Iterator[Finding]:
    release = host.settings("/etc/os-release")
    name = release.get("PRETTY_NAME", "an unknown system")
    versions = wanted.systems.get(release.get("ID", ""))
    data = {"id": release.get("ID", ""), "version": release.get("VERSION_ID", ""), "name": name}
    supported = ", ".join(f"{id_} {'/'.join(known)}" for id_, known in wanted.systems.items())
    # Without packages and services of the system, little hangs on its name.
    grave = error if wanted.docker else warning
    if versions is None:
        yield grave("os", f"{name} is not a supported system: use one of {supported}.", **data)
    elif data["version"] not in versions:
        yield grave("os", f"This version of {name} is not supported: use one of {supported}.", **data)
    else:
        yield ok("os", f"{name} is supported.", **data)


def check_python(_host: Host, _wanted: Wanted) -> Iterator[Finding]:
    version = platform.python_version()
    data = {"version": version, "executable": sys.executable}
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield error(
            "python", f"Python {version} is too old: set ansible_python_interpreter to {oldest} or newer.", **data
        )
    else:
        yield ok("python", f"Python {version} ({sys.executable}).", **data)


def check_rights(_host: Host, wanted: Wanted) -> Iterator[Finding]:
    uid = os.geteuid()
    if uid == 0:
        yield ok("rights", "We are root here.", uid=uid)
    elif not wanted.docker:
        yield ok("rights", f"We are the user with the id {uid}; the runtime 'process' needs no more.", uid=uid)
    elif _sudo_works():
        yield error(
            "rights", "We are not root, though sudo works without a password: set ansible_become to true.", uid=uid
        )
    else:
        yield error(
            "rights",
            "We are not root and sudo does not work without a password: set ansible_become to true and call"
            " ansible-playbook with --ask-become-pass, or set hearth_runtime to 'process'.",
            uid=uid,
        )


def _sudo_works() -> bool:
    try:
        return subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def check_virtualisation(host: Host, wanted: Wanted) -> Iterator[Finding]:
    kind = virtualisation(host)
    if kind == "wsl1":
        grave = error if wanted.docker else warning
        yield grave(
            "virtualisation", "This is WSL 1, which has no Linux kernel: run 'wsl --set-version' to 2.", kind=kind
        )
    elif kind == "wsl2":
        yield notice(
            "virtualisation",
            "This is WSL 2: its memory and processors are what .wslconfig gives it, its driver and its firewall are those of Windows. Windows ends it"
            " when it looks idle, unless vmIdleTimeout and instanceIdleTimeout are -1 in .wslconfig and a task starts it (role windows_host).",
            kind=kind,
        )
    elif host.container:
        yield notice(
            "virtualisation",
            f"This is a container ({kind}): its kernel, clock and firewall are those of the machine around it.",
            kind=kind,
        )
    else:
        what = "This is a machine of its own." if kind == "none" else f"This is a virtual machine ({kind})."
        yield ok("virtualisation", what, kind=kind)


def check_virtualisation_support(host: Host, _wanted: Wanted) -> Iterator[Finding]:
    flags = host.cpu.get("flags", "").split()
    extension = next((flag for flag in ("vmx", "svm") if flag in flags), "")
    usable = host.exists("/dev/kvm")
    data = {"extension": extension, "kvm": usable}
    if usable:
        yield ok("virtualisation_support", "Virtual machines can run here (/dev/kvm).", **data)
    elif extension:
        yield ok("virtualisation_support", f"The processor offers {extension}, but there is no /dev/kvm.", **data)
    else:
        yield ok("virtualisation_support", "No virtual machines can run here; none is needed.", **data)


def check_init(host: Host, wanted: Wanted) -> Iterator[Finding]:
    init = host.init
    if init == "systemd":
        yield ok("init", "systemd runs the services.", init=init)
    elif wanted.docker and host.is_wsl:
        yield error(
            "init",
            f"PID 1 is {init or 'unknown'}, not systemd, without which nothing starts Docker in WSL: write systemd=true below [boot] in /etc/wsl.conf,"
            " and run 'wsl --terminate' with the distribution's name in Windows.",
            init=init,
        )
    elif wanted.docker:
        yield warning(
            "init",
            f"PID 1 is {init or 'unknown'}, not systemd: nothing starts Docker here again after a restart; start dockerd"
            " yourself, or set hearth_runtime to 'process'.",
            init=init,
        )
    else:
        yield ok("init", f"PID 1 is {init or 'unknown'}; the runtime 'process' brings its own supervisor.", init=init)


def check_cgroups(host: Host, wanted: Wanted) -> Iterator[Finding]:
    """Limits of memory, processors and processes are kept by control groups, if at all."""
    if not wanted.docker:
        return
    unified = host.exists("/sys/fs/cgroup/cgroup.controllers")
    if unified:
        enabled = set(host.word("/sys/fs/cgroup/cgroup.controllers").split())
    else:
        rows = [line.split() for line in host.read("/proc/cgroups").splitlines() if not line.startswith("#")]
        enabled = {row[0] for row in rows if len(row) == 4 and row[3] == "1"}
    data = {"version": 2 if unified else 1, "controllers": sorted(enabled)}
    missing = sorted({"cpu", "memory", "pids"} - enabled)
    if missing:
        yield warning(
            "cgroups",
            f"The kernel keeps no limits of {', '.join(missing)}: boot it with cgroup_enable={missing[0]}.",
            missing=missing,
            **data,
        )
    elif not unified:
        yield notice(
            "cgroups",
            "Control groups are of version 1, which Docker is giving up: boot with systemd.unified_cgroup_hierarchy=1.",
            **data,
        )
    else:
        yield ok("cgroups", "Control groups are of version 2.", **data)


CHECKS = (
    check_os,
    check_python,
    check_rights,
    check_virtualisation,
    check_virtualisation_support,
    check_init,
    check_cgroups,
)
