# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where NVIDIA's driver comes from on which system, and which packages make it. PRIVATE to the collection.

Ubuntu: names as its archive has them (restricted, 22.04 to 26.04). Others: NVIDIA's driver installation guide, "Compute-only
installation" and "Version locking"; the fingerprints of its repositories' keys are those that its users pin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RHEL_FAMILY = ("rhel", "rocky", "almalinux", "ol", "centos")
# The last branch that has proprietary kernel modules (driver installation guide 620, "Proprietary Kernel Modules Removed").
LAST_PROPRIETARY_BRANCH = 580
# From here on, packages of the CUDA repository for Ubuntu are no longer named after their branch.
UNSUFFIXED_SINCE = 590

UBUNTU_KERNEL = re.compile(r"(\d+\.\d+)\.\d+-\d+-((?:generic|lowlatency|aws|azure|gcp|oracle|nvidia)[a-z-]*?)(?:-64k)?")
DEBIAN_KERNEL = re.compile(r"[\d.]+(?:\+deb\d+[a-z0-9.]*)?(?:-\d+)?-((?:cloud-|rt-)?(?:amd64|arm64))")
RHEL_KERNEL = re.compile(r".*\.el\d+(?:_\d+)?\..*")

KEY_OF_UBUNTU = ("3bf863cc.pub", "EB693B3035CD5710E231E123A4B469963BF863CC")
KEY_OF_RHEL = ("D42D0685.pub", "610C7B14E068A878070DA4E99CD0A493D42D0685")
CUDA_REPOSITORIES = {
    "debian12": KEY_OF_UBUNTU,
    "debian13": ("8793F200.pub", "02182E60104FCDC26EAE1B8597A5D4CB8793F200"),
    "ubuntu2204": KEY_OF_UBUNTU,
    "ubuntu2404": KEY_OF_UBUNTU,
    "rhel9": KEY_OF_RHEL,
    "rhel10": KEY_OF_RHEL,
}
# A server with an ARM processor is called so in the CUDA repository.
CUDA_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "sbsa"}


@dataclass(frozen=True)
class Source:
    """What has to be installed from where."""

    name: str = ""
    packages: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    # Package that keeps apt at one branch, module stream of dnf 4, pattern for dnf's versionlock.
    pin: str = ""
    stream: str = ""
    lock: str = ""
    repository: str = ""
    key: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class Wish:
    branch: int
    flavour: str

    @property
    def is_open(self) -> bool:
        return self.flavour == "open"


class UnsupportedError(Exception):
    """There is no source for this machine; the message says what to do."""


def family(system: Mapping[str, Any]) -> str:
    if system["id"] in ("debian", "ubuntu"):
        return str(system["id"])
    return "rhel" if system["id"] in RHEL_FAMILY else ""


def choose(system: Mapping[str, Any], wish: Wish, wanted: str) -> Source:
    """Ubuntu's signed modules where there are such, NVIDIA's repository elsewhere; or what the user has said."""
    if wish.flavour == "proprietary" and wish.branch > LAST_PROPRIETARY_BRANCH:
        raise UnsupportedError(
            f"Branch {wish.branch} has no proprietary kernel modules any more: set nvidia_branch to {LAST_PROPRIETARY_BRANCH}."
        )
    kind = family(system)
    if wanted == "ubuntu" and kind != "ubuntu":
        raise UnsupportedError("nvidia_source is 'ubuntu', and this is not Ubuntu: set it to 'auto' or 'cuda'.")
    if kind == "ubuntu" and wanted != "cuda":
        return _ubuntu(system, wish)
    return _cuda(system, kind, wish)


def _kernel(system: Mapping[str, Any], pattern: re.Pattern[str]) -> re.Match[str]:
    match = pattern.fullmatch(system["kernel"])
    if not match:
        raise UnsupportedError(
            f"The kernel {system['kernel']} is not one of the distribution's, and nobody offers a module or headers for it:"
            " boot one that is, or install the driver yourself and run this again."
        )
    return match


def _ubuntu(system: Mapping[str, Any], wish: Wish) -> Source:
    match = _kernel(system, UBUNTU_KERNEL)
    name = f"{wish.branch}-server{'-open' if wish.is_open else ''}"
    # Switches between cards do nothing without it.
    fabric = (f"nvidia-fabricmanager-{wish.branch}",) if system["nvswitch"] else ()
    return Source(
        "ubuntu",
        # Not the module of this very kernel: this package brings each newer kernel of its series its own.
        (
            f"linux-modules-nvidia-{name}-{match[2]}-{match[1]}",
            f"nvidia-headless-no-dkms-{name}",
            f"nvidia-utils-{wish.branch}-server",
            *fabric,
        ),
    )


def _cuda(system: Mapping[str, Any], kind: str, wish: Wish) -> Source:
    major = system["version"] if kind == "ubuntu" else system["version"].partition(".")[0]
    repository = f"{kind}{major.replace('.', '')}"
    architecture = CUDA_ARCHITECTURES.get(system["architecture"])
    if repository not in CUDA_REPOSITORIES or not architecture:
        known = ", ".join(CUDA_REPOSITORIES)
        raise UnsupportedError(
            f"There is no driver that we could install on {system['id']} {system['version']} ({system['architecture']}); NVIDIA's"
            f" repository is known for {known}. Install the driver yourself and run this again: it is then kept."
        )
    key, fingerprint = CUDA_REPOSITORIES[repository]
    parts = {"debian": _cuda_debian, "ubuntu": _cuda_ubuntu, "rhel": _cuda_rhel}[kind](system, wish)
    return Source("cuda", repository=f"{repository}/{architecture}", key=key, fingerprint=fingerprint, **parts)


def _cuda_debian(system: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    flavour = _kernel(system, DEBIAN_KERNEL)[1]
    return {
        "packages": (
            "nvidia-driver-cuda",
            "nvidia-persistenced",
            f"nvidia-kernel-{'open-' if wish.is_open else ''}dkms",
        ),
        # For the kernel that runs, and for each that follows it.
        "headers": (f"linux-headers-{system['kernel']}", f"linux-headers-{flavour}"),
        "pin": f"nvidia-driver-pinning-{wish.branch}",
    }


def _cuda_ubuntu(system: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    flavour = _kernel(system, UBUNTU_KERNEL)[2]
    packages: tuple[str, ...] = ("libnvidia-compute", "nvidia-dkms-open")
    if wish.branch < UNSUFFIXED_SINCE:
        names = (
            "libnvidia-compute-{}",
            "nvidia-utils-{}",
            "nvidia-compute-utils-{}",
            "nvidia-dkms-{}" + ("-open" if wish.is_open else ""),
        )
        packages = tuple(name.format(wish.branch) for name in names)
    return {
        "packages": packages,
        "headers": (f"linux-headers-{system['kernel']}", f"linux-headers-{flavour}"),
        "pin": f"nvidia-driver-pinning-{wish.branch}",
    }


def _cuda_rhel(system: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    _kernel(system, RHEL_KERNEL)
    has_streams = system["version"].partition(".")[0] == "9"
    stream = f"nvidia-driver:{wish.branch}-{'open' if wish.is_open else 'dkms'}"
    return {
        "packages": ("nvidia-driver-cuda", "kmod-nvidia-open-dkms" if wish.is_open else "kmod-nvidia-latest-dkms"),
        "headers": (f"kernel-devel-{system['kernel']}", "kernel-devel-matched", "kernel-headers"),
        "stream": stream if has_streams else "",
        "lock": "" if has_streams else f"*nvidia*{wish.branch}*",
    }
