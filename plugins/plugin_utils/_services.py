# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role service knows of services: where each has its things, what is written for it, and how it is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What an item may say of itself, and for all items a variable of the role service says.
FIELDS = (
    "aliases",
    "command",
    "entrypoint",
    "environment",
    "files",
    "gpus",
    "health",
    "image",
    "limits",
    "mounts",
    "network",
    "ports",
    "python_requirements",
    "reload_signal",
    "root_writable",
    "shm_size",
    "tmpfs",
    "user",
    "validate",
)
# Of one lock file there is one environment, named by this many digits of its hash.
_DIGITS = 12
# What Docker calls the network that is no network of its own.
_HOST = "host"


@dataclass(frozen=True)
class Place:
    """Where a service has its things."""

    name: str
    directory: str
    runtime: str

    @property
    def root(self) -> str:
        return f"{self.directory}/services/{self.name}"

    @property
    def files(self) -> str:
        """Its files, on the host."""
        return f"{self.root}/current"

    @property
    def config(self) -> str:
        """Its files, as the service itself sees them."""
        return "/etc/hearth/current" if self.runtime == "docker" else self.files

    @property
    def container(self) -> str:
        return f"hearth-{self.name}"

    @property
    def log(self) -> str:
        return f"{self.root}/service.log"

    @property
    def runs_as(self) -> str:
        """The name by which the runtime knows it."""
        return self.container if self.runtime == "docker" else self.name

    def venv(self, requirements: str) -> str:
        return f"{self.directory}/venvs/{hashlib.sha256(requirements.encode()).hexdigest()[:_DIGITS]}"


def planned(
    items: Sequence[Mapping[str, Any]], common: Mapping[str, Any], directory: str, runtime: str
) -> list[dict[str, Any]]:
    """For each item what the modules are told of it. What an item does not say, `common` does."""
    return [_planned({**common, **item, "files": item.get("files", [])}, directory, runtime) for item in items]


def findings(items: Sequence[Mapping[str, Any]], common: Mapping[str, Any], runtime: str) -> Iterator[str]:
    """What the argument specification cannot say, each a sentence."""
    for number, item in enumerate(items):
        name = item.get("name")
        if not name:
            yield f"Item {number} of service_items has no name: give it one."
            continue
        for key in sorted(set(item) - {"name", *FIELDS}):
            yield f"The service '{name}' has '{key}', which is no field of a service: use one of {', '.join(FIELDS)}."
        yield from _cannot_be_run(str(name), {**common, **item}, runtime)


def _cannot_be_run(name: str, service: Mapping[str, Any], runtime: str) -> Iterator[str]:
    image = str(service["image"])
    version = image.rpartition("/")[2].partition(":")[2]
    wrong = (
        version in ("", "latest")
        if runtime == "docker"
        else not service["command"] or service["gpus"] or version == "latest"
    )
    if wrong:
        yield (
            f"The service '{name}' cannot be run: with docker it needs service_image with an exact version, never latest (found '{image}');"
            " with process it needs service_command, and service_gpus have to be empty."
        )


def _planned(service: Mapping[str, Any], directory: str, runtime: str) -> dict[str, Any]:
    place = Place(str(service["name"]), directory, runtime)
    in_docker = runtime == "docker"
    generation: dict[str, Any] = {
        "name": place.name,
        "files": list(service["files"]),
        "definition": _definition(service, place),
        "reloadable": bool(service["reload_signal"]),
        "validate": _validate(service, place),
    }
    if in_docker:
        generation["group"] = str(service["user"]).split(":")[1]
    return {
        "name": place.name,
        "reload_signal": str(service["reload_signal"]),
        "python_requirements": str(service["python_requirements"]),
        "gpus": list(service["gpus"]),
        "generation": generation,
        "health": _health(service, place),
    }


def _definition(service: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """How the service is run. It is kept with the files of each configuration, so that both come back together."""
    in_docker = place.runtime == "docker"
    python = f"{place.venv(str(service['python_requirements']))}/bin/python"

    def filled(text: Any) -> str:
        return str(text).replace("{config}", place.config).replace("{python}", python)

    return {
        "aliases": [place.name, *service["aliases"]],
        "command": [filled(word) for word in service["command"]],
        # Of services that say none, what they are does not change by this.
        **({"entrypoint": [filled(word) for word in service["entrypoint"]]} if service["entrypoint"] else {}),
        "environment": {name: filled(value) for name, value in service["environment"].items()},
        "gpus": list(service["gpus"]),
        "image": str(service["image"]) if in_docker else "",
        "limits": service["limits"],
        "mounts": list(service["mounts"]),
        "network": service["network"],
        "ports": list(service["ports"]),
        "root_writable": service["root_writable"],
        "shm_size": service["shm_size"],
        "tmpfs": service["tmpfs"],
        "user": str(service["user"]) if in_docker else "",
    }


def _validate(service: Mapping[str, Any], place: Place) -> list[str]:
    """New files are judged before they go live; {config} is replaced by the module that wrote them."""
    command = [str(word) for word in service["validate"]]
    if not command or place.runtime != "docker":
        return command
    run = ["docker", "run", "--rm", "--network", "none", "--read-only", "--user", str(service["user"])]
    inside = [word.replace("{config}", place.config) for word in command]
    return [*run, "--volume", f"{{config}}:{place.config}:ro", str(service["image"]), *inside]


def _health(service: Mapping[str, Any], place: Place) -> dict[str, Any]:
    described = service["health"]
    lines = str(service["log_lines"])
    log = (
        ["docker", "logs", "--tail", lines, place.container]
        if place.runtime == "docker"
        else ["tail", "--lines", lines, place.log]
    )
    where = {key: described[key] for key in ("url", "socket_path") if described.get(key)}
    return {
        "name": place.name,
        "runs_as": place.runs_as,
        **where,
        "status": [int(status) for status in described.get("status") or [200]],
        "timeout": int(described.get("timeout_seconds") or 60),
        "log_command": log,
    }


def starts(
    written: Sequence[Mapping[str, Any]],
    signals: Mapping[str, str],
    directory: str,
    runtime: str,
    *,
    different: Sequence[str] = (),
    knows_cdi: bool = True,
) -> list[dict[str, Any]]:
    """For each service whose configuration lies there how it is run, and whether it is to be restarted or signalled for it."""
    return [
        _start(
            one, Place(one["name"], directory, runtime), signals.get(one["name"], ""), different, knows_cdi=knows_cdi
        )
        for one in written
        if not one["error"] and one["definition"]
    ]


def _start(
    written: Mapping[str, Any], place: Place, signal: str, different: Sequence[str], *, knows_cdi: bool
) -> dict[str, Any]:
    definition = written["definition"]
    # Changed files that the service has not come up with yet, or files that were put back.
    reloads = bool(signal) and (not written["is_proven"] or written["changed"])
    restarts = bool(written["changed"]) and not signal
    if place.runtime == "docker":
        container = _container(definition, place, written["restart_key"], knows_cdi=knows_cdi)
        due = restarts or place.name in different
        return {
            "name": place.name,
            "restart": restarts,
            "signal": signal if reloads else "",
            "due": due,
            "container": container,
        }
    # A new key restarts the program; one that reads changed files on a signal keeps its key while only files change. Bytecode that Python wrote
    # beside a program's files would be a difference to what was described.
    environment = {
        "PYTHONDONTWRITEBYTECODE": "1",
        **definition["environment"],
        "HEARTH_RESTART_KEY": written["restart_key"],
    }
    program = {
        "name": place.name,
        "command": definition["command"],
        "environment": environment,
        "working_directory": place.root,
        "log_path": place.log,
        "restart": restarts,
    }
    return {"name": place.name, "due": True, "program": {**program, **({"signal": signal} if reloads else {})}}


def _container(definition: Mapping[str, Any], place: Place, restart_key: str, *, knows_cdi: bool) -> dict[str, Any]:
    """What community.docker.docker_container is told. Before Docker 25 NVIDIA's runtime gives GPUs, since then Docker itself by their CDI names."""
    gpus, limits = definition.get("gpus") or [], definition.get("limits") or {}
    by_runtime = bool(gpus) and not knows_cdi
    memory = limits.get("memory") or "0"
    # Who has the host's own network is known by the host's addresses, and publishes nothing.
    is_of_host = definition["network"] == _HOST
    own = {"source": place.root, "target": "/etc/hearth", "read_only": True}
    container = {
        "name": place.container,
        "image": definition["image"],
        "command": definition["command"],
        "env": {**definition["environment"], **({"NVIDIA_VISIBLE_DEVICES": ",".join(gpus)} if by_runtime else {})},
        "user": definition["user"],
        "read_only": not definition["root_writable"],
        "tmpfs": [definition["tmpfs"]],
        "shm_size": definition.get("shm_size") or "64M",
        "memory": memory,
        "memory_swap": memory,
        "cpus": float(limits.get("cpus") or 0),
        "pids_limit": int(limits.get("pids") or 512),
        "networks": [] if is_of_host else [{"name": definition["network"], "aliases": definition["aliases"]}],
        "network_mode": definition["network"],
        "published_ports": [f"{port['address']}:{port['host']}:{port['container']}" for port in definition["ports"]],
        "mounts": [{**mount, "type": "bind"} for mount in [own, *definition["mounts"]]],
        # A new key makes a new container; a service that reloads on a signal keeps its key while only files change.
        "labels": {"hearth.service": place.name, "hearth.restart_key": restart_key},
    }
    if definition.get("entrypoint"):
        container["entrypoint"] = definition["entrypoint"]
    if gpus and knows_cdi:
        container["device_requests"] = [{"driver": "cdi", "count": 0, "device_ids": list(gpus)}]
    if by_runtime:
        container["runtime"] = "nvidia"
    return container
