# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every port of a host on which something of the description will listen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# The inputs that say where what is no room listens, by their roles.
INPUTS = {
    "gateway": ("gateway_address", "gateway_port", "gateway_metrics_address", "gateway_metrics_port"),
    "llama_rpc": ("llama_rpc_port",),
    "otel_collector": ("otel_collector_address", "otel_collector_health_port", "otel_collector_metrics_port"),
}


def described_ports(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(_ports(description))


def _ports(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    def port(purpose: str, address: str, name: str, variable: str = "") -> dict[str, Any]:
        return {"address": said[address], "port": said[name], "purpose": purpose, "variable": variable or name}

    if said["gateway"]:
        yield port("gateway", "gateway_address", "gateway_port", "hearth_port")
        yield port("gateway's metrics", "gateway_metrics_address", "gateway_metrics_port")
        if int(said["gateway_redirect_port"]) > 0:
            yield port("gateway's redirect to HTTPS", "gateway_address", "gateway_redirect_port")
    if said["rpc_worker"]:
        yield port("worker of llama.cpp's RPC", "loopback", "llama_rpc_port")
    for room in said["engines"]:
        # As processes, engines listen on sockets in the directory.
        if room["described"] and said["runtime"] == "docker":
            engine = engines()[room["name"]]
            purposes = {
                number: f"engine of {engine.title if engine.shared and name not in room['apart'] else name}"
                for name, number in engine.ports(room["instances"], int(room["port"]), room["apart"]).items()
            }
            yield from ({**_at(room, purpose), "port": number} for number, purpose in purposes.items())
    yield from (_at(room, f"pages of {room['title']}") for room in said["frontends"] if room["described"])
    if said["otel_collector"]:
        yield port("health of the collector of traces", "otel_collector_address", "otel_collector_health_port")
        yield port("metrics of the collector of traces", "otel_collector_address", "otel_collector_metrics_port")


def _at(room: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    return {"address": room["address"], "port": room["port"], "purpose": purpose, "variable": room["port_variable"]}
