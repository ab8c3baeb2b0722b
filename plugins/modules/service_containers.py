#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells in one look which containers are not as they were left."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_containers
short_description: Tell which containers are not as they were left
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks Docker once for all containers, and compares what it says of each with what it said when the container was last found to be as described.
    Whatever has changed since, in the description, in the container or in its image, makes it differ. Only those are worth a closer look.
  - What is compared is a hash, C(container) in the service's directory.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  directory:
    description: Where each service has a directory of its own, named as the service.
    type: path
    required: true
  state:
    description:
      - V(compared) tells which containers differ.
      - V(remembered) keeps how they are now, for the next comparison.
    type: str
    choices: [compared, remembered]
    default: compared
  services:
    description: The services.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service.
        type: str
        required: true
      container:
        description: How its container is described, with at least C(name) and C(image).
        type: dict
        required: true
"""

EXAMPLES = r"""
- name: Look which containers are not as they were left
  hearth.llm.service_containers:
    directory: /var/lib/hearth/services
    services:
      - name: gateway
        container:
          name: hearth-gateway
          image: docker.io/library/haproxy:3.2.25
"""

RETURN = r"""
different:
  description: Names of services whose containers are not there, do not run, or are not as they were left.
  type: list
  elements: str
  returned: O(state=compared)
  sample: [gateway]
"""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule, guarded

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    Run = Callable[[Sequence[str]], str]
    Found = Mapping[str, Any]

RECORD = "container"


def argument_spec() -> dict[str, Any]:
    service = {"name": {"type": "str", "required": True}, "container": {"type": "dict", "required": True}}
    return {
        "directory": {"type": "path", "required": True},
        "state": {"choices": ["compared", "remembered"], "default": "compared"},
        "services": {"type": "list", "elements": "dict", "required": True, "options": service},
    }


def look(services: Sequence[Mapping[str, Any]], run: Run) -> dict[str, str]:
    """By name of the service, a hash of its description and of all that Docker says of its container. Those that do not run are left out."""
    containers = {found["Name"].lstrip("/"): found for found in _inspect(run, "container", _each(services, "name"))}
    images = {}
    for reference in _each(services, "image"):
        images[reference] = next((str(found["Id"]) for found in _inspect(run, "image", [reference])), "")
    hashes = {}
    for service in services:
        container = service["container"]
        found = containers.get(container["name"])
        if found and found["State"]["Status"] == "running":
            hashes[service["name"]] = _digest([container, _lasting(found), images[container["image"]]])
    return hashes


def _each(services: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return sorted({str(service["container"][key]) for service in services})


def _inspect(run: Run, kind: str, names: Sequence[str]) -> list[Found]:
    if not names:
        return []
    # It ends with an error where one of them is missing, and tells the others all the same.
    said = run(["docker", kind, "inspect", *names])
    try:
        return list(json.loads(said or "[]"))
    except ValueError:
        raise HearthError(f"Docker does not say what its {kind}s are like, but: {said[:200]}") from None


def _lasting(found: Found) -> list[Any]:
    """What of a container stays the same while nobody changes it: not its process, its addresses, and how often it was started."""
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    aliases = {name: sorted((network or {}).get("Aliases") or []) for name, network in networks.items()}
    mounts = sorted(found.get("Mounts") or [], key=lambda mount: str(mount.get("Destination")))
    return [found["Id"], found.get("Image"), found.get("Config"), found.get("HostConfig"), mounts, aliases]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def compare(directory: str, services: Sequence[Mapping[str, Any]], run: Run) -> list[str]:
    hashes = look(services, run)
    names = [service["name"] for service in services]
    return [name for name in names if name not in hashes or hashes[name] != _recorded(directory, name)]


def remember(directory: str, services: Sequence[Mapping[str, Any]], run: Run) -> None:
    for name, value in look(services, run).items():
        path = _record(directory, name)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as stream:
            stream.write(value)


def _recorded(directory: str, name: str) -> str:
    try:
        return _record(directory, name).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _record(directory: str, name: str) -> Path:
    return Path(directory) / name / RECORD


@guarded
def main() -> None:
    module = HearthModule(argument_spec=argument_spec(), supports_check_mode=True)
    directory, services = module.params["directory"], module.params["services"]

    def run(command: Sequence[str]) -> str:
        _code, out, _err = module.run_command(list(command))
        return str(out)

    try:
        if module.params["state"] == "compared":
            module.exit_json(changed=False, different=compare(directory, services, run))
        if not module.check_mode:
            remember(directory, services, run)
        module.exit_json(changed=False)
    except HearthError as error:
        module.fail_json(msg=error.message)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Is the disk full, or is the path not yours?")


if __name__ == "__main__":
    main()
