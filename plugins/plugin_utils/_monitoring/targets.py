# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus asks, and where: by how the hosts are described. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier, instance

# Where /metrics of the gateway, of its keys and of exporters are counted under.
GATEWAY, KEYS, ENGINES, HOSTS, GPUS = "hearth_gateway", "hearth_keys", "hearth_engines", "hearth_hosts", "hearth_gpus"

Host = Mapping[str, Any]


@dataclass
class Targets:
    """`jobs` are Prometheus's scrape_configs; `left_out` says what cannot be asked, each a sentence."""

    # Where Prometheus runs, empty for another machine; and where it has the engines' key.
    prometheus_host: str = ""
    key_file: str = ""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    engines: set[str] = field(default_factory=set)
    # HAProxy's names of the backends, by served name.
    backends: dict[str, str] = field(default_factory=dict)

    def add(self, hosts: Sequence[Host], key: str, what: str, **job: Any) -> None:
        """A job for all hosts that have something there, as far as it is reached."""
        there = [_target(place, host) for host in hosts if host[key] and (place := self.reached(host, what, host[key]))]
        if there:
            self.jobs.append({**job, "static_configs": there})

    def reached(self, host: Host, what: str, at: Mapping[str, Any]) -> str:
        """The address and port; empty, and said why, where Prometheus does not come there."""
        address, port = str(at["address"]), int(at["port"])
        if _is_loopback(address) and host["name"] != self.prometheus_host:
            self.leave_out(
                f"The {what} of {host['name']} listens at {address}, which Prometheus on {self.prometheus_host or 'another machine'} does not reach: run one "
                f"on {host['name']} (monitoring_prometheus_host)."
            )
            return ""
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def leave_out(self, said: str) -> None:
        if said not in self.left_out:
            self.left_out.append(said)


def targets(hosts: Sequence[Host], *, prometheus_host: str, key_file: str) -> Targets:
    found = Targets(prometheus_host, key_file)
    for host in hosts:
        found.backends.update({name: identifier(name) for name in host["models"]})
    found.add(hosts, "gateway", "gateway's metrics", job_name=GATEWAY, metrics_path="/metrics")
    found.add(hosts, "gateway", "gateway's metrics", job_name=KEYS, metrics_path="/metrics/keys")
    for host in hosts:
        for room in engines().values():
            mine = [{**model, "name": name} for name, model in host["models"].items() if _engine(model) == room.name]
            if mine and room.series:
                _add_engine(found, host, room, mine)
    found.add(hosts, "node_exporter", "node exporter", job_name=HOSTS)
    found.add(hosts, "dcgm_exporter", "DCGM exporter", job_name=GPUS)
    return found


def _engine(model: Mapping[str, Any]) -> str:
    return str(model.get("engine", "llama_cpp"))


def _target(place: str, host: Host, **labels: str) -> dict[str, Any]:
    return {"targets": [place], "labels": {"host": host["name"], **labels}}


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _add_engine(found: Targets, host: Host, room: Engine, models: Sequence[Mapping[str, Any]]) -> None:
    """A job for each instance of a model: the questions differ."""
    if host["runtime"] != "docker":
        found.leave_out(
            f"Engines of {host['name']} listen on sockets of the host, which Prometheus does not ask: the gateway counts their answers."
        )
        return
    most = {str(model["name"]): room.instances(model)[1] for model in models}
    apart = [str(model["name"]) for model in models if room.is_apart(model)]
    ports = room.ports(most, int(host["ports"][room.name]), apart)
    for model in models:
        name = str(model["name"])
        for number in range(1, most[name] + 1):
            question = room.metrics_question(model, number, len(models) - len(apart), int(host["loaded_max"]))
            called = instance(name, number)
            if question is None:
                found.leave_out(
                    f"{room.title} is not asked for {called}, which it may unload: a question would keep it loaded, or load it."
                )
            elif place := found.reached(
                host, f"engine of {name}", {"address": host["engine_address"], "port": ports[called]}
            ):
                found.engines.add(room.name)
                found.jobs.append(
                    {
                        "job_name": f"{ENGINES}:{host['name']}:{called}",
                        **({"params": {key: [value] for key, value in question.items()}} if question else {}),
                        **({"authorization": {"credentials_file": found.key_file}} if room.metrics_want_key else {}),
                        "static_configs": [_target(place, host, model=name, instance_number=str(number))],
                    }
                )
