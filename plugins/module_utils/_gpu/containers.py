# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gives GPUs to containers: NVIDIA's container toolkit, and the devices that CDI files name. PRIVATE to the collection."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
CDI_DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
# Under WSL the driver lies in a directory of its version, and an update in Windows takes the old one away.
WSL_DRIVERS = re.compile(r"/usr/lib/wsl/drivers/[^/\s:\"']+")


@dataclass(frozen=True)
class Toolkit:
    packages: dict[str, str] = field(default_factory=dict)
    # All four of one version; anything else does not work together since 1.18.
    complete: bool = False
    version: str = ""


def toolkit(packages: dict[str, str]) -> Toolkit:
    found = {name: version for name, version in packages.items() if name in TOOLKIT}
    versions = set(found.values())
    complete = len(found) == len(TOOLKIT) and len(versions) == 1
    return Toolkit(found, complete, found.get("nvidia-container-toolkit", ""))


def cdi_names(host: Host) -> list[str]:
    """Full names, as a container asks for them: nvidia.com/gpu=0."""
    paths = (f"{directory}/{name}" for directory in CDI_DIRECTORIES for name in host.names(directory))
    texts = {path: host.read(path) for path in paths}
    return sorted({name for path, text in texts.items() if not _is_stale(host, text) for name in _names(path, text)})


def _is_stale(host: Host, text: str) -> bool:
    return not all(host.exists(directory) for directory in set(WSL_DRIVERS.findall(text)))


def _names(path: str, text: str) -> Iterator[str]:
    if path.endswith(".json"):
        try:
            specification = json.loads(text)
            yield from (f"{specification['kind']}={device['name']}" for device in specification.get("devices", []))
        except (ValueError, KeyError, TypeError, AttributeError):
            return
    elif path.endswith((".yaml", ".yml")):
        yield from _names_in_yaml(text)


def _names_in_yaml(text: str) -> Iterator[str]:
    """Targets have no YAML library. Of a CDI file, only the kind and each device's own name matter, and both have a place of their own."""
    kind = re.search(r"^kind:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    devices = re.search(r"^devices:[ \t]*\n((?:[ \t-].*\n?|\n)*)", text, re.MULTILINE)
    if not kind or not devices:
        return
    item = re.match(r"\s*?([ ]*)-([ ]+)", devices[1])
    if item:
        dash, key = item[1], item[1] + " " + item[2]
        own_name = re.compile(rf"^(?:{dash}-{item[2]}|{key})name:\s*[\"']?([^\s\"']+)", re.MULTILINE)
        yield from (f"{kind[1]}={name}" for name in own_name.findall(devices[1]))
