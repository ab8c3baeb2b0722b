# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of a driver are installed, and which of them are held back. PRIVATE to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gpu import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

DPKG_STATUS = "/var/lib/dpkg/status"
# Drivers, and the kernels that they are made for.
OURS = re.compile(
    r"nvidia|^cuda-(drivers|keyring)|^libcuda|^lambda-stack|^linux-(image-|headers-)?(generic|virtual|lowlatency|aws|azure|gcp|oracle)(-|$)"
)
QUESTION_TIMEOUT = 60.0


@dataclass(frozen=True)
class Package:
    version: str
    held: bool = False


def installed(host: Host) -> dict[str, Package]:
    """Name to version, of what has to do with drivers."""
    entries = _dpkg(host) if host.exists(DPKG_STATUS) else _rpm(host)
    return {name: package for name, package in entries if OURS.search(name)}


def _dpkg(host: Host) -> Iterator[tuple[str, Package]]:
    # The file itself: dpkg-query wants the names beforehand, and knows no pattern for "all of a kind".
    for entry in host.read(DPKG_STATUS).split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.*)$", entry, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield fields["Package"], Package(fields.get("Version", ""), fields["Status"].startswith("hold"))


def _rpm(host: Host) -> Iterator[tuple[str, Package]]:
    rpm = programs.find(host, "rpm")
    if not rpm:
        return
    answer = programs.ask([rpm, "-qa", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\\n"], QUESTION_TIMEOUT)
    for line in answer.output.splitlines():
        name, _space, version = line.partition(" ")
        yield name, Package(version)
