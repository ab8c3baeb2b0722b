# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engines of a host are asked what they are and what they have counted: those alone that the question neither loads nor keeps loaded.
PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine
from ansible_collections.hearth.llm.plugins.module_utils._served_names import instance


def measured_engines(host: Mapping[str, Any], directory: str, loaded_max: int = 4) -> dict[str, list[dict[str, Any]]]:
    """`counted` are asked for /metrics, as the module load_test takes them, and `reports` are what engine_report is told, for each engine once."""
    counted: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    for room in engines().values():
        mine = [
            {**model, "name": name}
            for name, model in host["models"].items()
            if model.get("engine", "llama_cpp") == room.name and model.get("load", "startup") == "startup"
        ]
        asked = list(_asked(host, room, mine, directory, int(loaded_max))) if mine and room.series else []
        counted += [{"name": one["name"], **one["counts"], "wants_key": one["wants_key"]} for one in asked]
        if asked:
            told = [{"model": one["model"], "instance": one["instance"], **one["reached"]} for one in asked]
            reports.append({"engine": room.name, "models": told})
    return {"counted": counted, "reports": reports}


def _asked(
    host: Mapping[str, Any], room: Engine, models: Sequence[Mapping[str, Any]], directory: str, loaded_max: int
) -> Iterator[dict[str, Any]]:
    as_process = host["runtime"] == "process"
    most = {str(model["name"]): room.instances(model)[1] for model in models}
    apart = [str(model["name"]) for model in models if room.is_apart(model)]
    ports = {} if as_process else room.ports(most, int(host["ports"][room.name]), apart)
    at = host["address"] or "127.0.0.1"
    at = f"[{at}]" if ":" in at else at
    for model in models:
        name = str(model["name"])
        # Further ones come and go.
        for number in range(1, room.instances(model)[0] + 1):
            question = {} if as_process else room.metrics_question(model, number, len(models) - len(apart), loaded_max)
            if question is None or (as_process and "idle_unload_seconds" in model):
                continue
            called = instance(name, number)
            if as_process:
                socket = room.socket(name, directory, number)
                reached, counts = {"socket_path": socket, "url": "http://localhost"}, {"socket": socket}
            else:
                url = f"http://{at}:{ports[called]}"
                query = f"?{urlencode(question)}" if question else ""
                reached, counts = {"url": url}, {"url": f"{url}/metrics{query}"}
            yield {
                "name": called,
                "model": name,
                "instance": number,
                "reached": reached,
                "counts": counts,
                "wants_key": not as_process,
            }
