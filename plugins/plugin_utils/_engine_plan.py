# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine is told of each of its models, how it is run, and how it is reached on its host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine, context_tokens
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._served_names import instance
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists, _vllm_nodes
from ansible_collections.hearth.llm.plugins.plugin_utils._program import program_files

Model = Mapping[str, Any]
# Where containers have the directory of all models.
MOUNTED = "/models"


def engine_plan(
    models: Sequence[Model],
    engine: str,
    *,
    options: Mapping[str, Any] | None = None,
    contexts: Mapping[str, int] | None = None,
    planned: Mapping[str, Mapping[str, Any]] | None = None,
    prompt_cache_mib: int = 0,
    runtime: str = "docker",
    directory: str = "",
    address: str = "127.0.0.1",
    port: int = 0,
    gpus: Sequence[str] = (),
    gpu_numbers: Sequence[int] = (),
    planned_gpus: Mapping[str, Sequence[str]] | None = None,
    paths: Mapping[str, str] | None = None,
    projectors: Mapping[str, str] | None = None,
    models_directory: str = "",
    fingerprints: Mapping[str, str] | None = None,
    build: str = "",
    workers: Mapping[str, Sequence[str]] | None = None,
    node: str = "",
    places: Mapping[str, Mapping[str, str]] | None = None,
    node_port: int = 0,
    timeout_seconds: int | str = 300,
) -> dict[str, Any]:
    if engine not in engines():
        raise AnsibleFilterError(f"engine is {engine!r}: use one of {', '.join(engines())}.")
    serving = engines()[engine]
    models, parts = _vllm_nodes.parts(models, node)
    apart = [str(model["name"]) for model in models if runtime == "docker" and serving.is_apart(model)]
    sharing = [model for model in models if model["name"] not in apart]
    given_gpus = serving.gpus_of(sharing, gpus, runtime, gpu_numbers)
    devices = given_gpus["devices"]

    # Of a model that another host serves this one has a part: it has no port, and is asked nothing.
    most = {str(model["name"]): serving.instances(model)[1] for model in models}
    numbered = [(model, number) for model in models for number in range(1, most[str(model["name"])] + 1)]

    def told(model: Model, placed: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
        name = str(model.get("name", ""))
        context = int((contexts or {}).get(name) or context_tokens(model))
        return serving.options(
            model, options or {}, context=context, planned=placed, prompt_cache_mib=prompt_cache_mib, number=number
        )

    def placed(name: str, number: int) -> dict[str, Any]:
        return {
            **({"device": devices[name]} if name in devices else {}),
            **(planned or {}).get(instance(name, number), {}),
        }

    def seen(path: str) -> str:
        return path.replace(models_directory, MOUNTED, 1) if runtime == "docker" and models_directory else path

    def path(model: Model) -> str:
        return seen(place(model, paths or {}))

    def files(model: Model) -> dict[str, Any]:
        return serving.files(path(model), seen((projectors or {}).get(model["name"], "")))

    try:
        ports = serving.ports(most, int(port), apart)
    except InputError as error:
        raise AnsibleFilterError(error.message) from error
    all_told = {
        instance(model["name"], number): {**files(model), **told(model, placed(model["name"], number), number)}
        for model, number in [*numbered, *((model, 1) for model in parts)]
    }

    # What keeps a model running that is split: over workers, or over the GPUs of several hosts.
    rooms = {"_rpc": bool(apart), "_nodes": any(model.get("nodes") for model in [*models, *parts])}
    keepers = {
        room: [{"path": path, "content": content} for path, content in sorted(program_files(room).items())]
        if needed
        else []
        for room, needed in rooms.items()
    }

    def run(model: Model, number: int) -> dict[str, Any]:
        name = str(model["name"])
        called = instance(name, number)
        words = serving.arguments(all_told[called], _engine_option_lists.find(engine, build)) if build or apart else []
        return {
            "number": number,
            "stays": number <= serving.instances(model)[0],
            "load": str(model.get("load", "startup")),
            "path": path(model),
            "words": words,
            "socket": serving.socket(name, directory, number),
            "address": address,
            "port": ports.get(called, 0),
            "image": build,
            "keeper": keepers["_nodes" if model.get("nodes") else "_rpc"],
            "over": _vllm_nodes.over(model, node, places or {}, node_port),
            "workers": list((workers or {}).get(name, [])),
            "gpus": list((planned_gpus or {}).get(called) or model.get("gpus", gpus)),
            "fingerprint": str((fingerprints or {}).get(name, "")),
            "timeout_seconds": int(timeout_seconds),
        }

    def shared(number: int) -> dict[str, Any]:
        """The service with this instance of each model that has as many."""
        there = [model for model in sharing if number <= most[str(model["name"])]]
        return serving.shared_definition(
            number,
            there,
            [all_told[instance(model["name"], number)] for model in there],
            {
                "fingerprints": fingerprints or {},
                "address": address,
                "port": int(port) + number - 1,
                "timeout_seconds": int(timeout_seconds),
            },
        )

    def definition(model: Model, number: int = 1) -> dict[str, Any]:
        return serving.definition(str(model["name"]), all_told[instance(model["name"], number)], run(model, number))

    is_shared = serving.shared and runtime != "process"
    own = [one for one in numbered if not is_shared or one[0]["name"] in apart]
    together = max([0 if apart else 1, *(most[str(model["name"])] for model in sharing)]) if is_shared else 0
    return {
        "given": {model["name"]: told(model, {}) for model in models},
        "told": all_told,
        "gpus": given_gpus,
        "ports": ports,
        "questions": [
            {
                "model": model["name"],
                "task": model.get("task", "chat"),
                **({"instance": number} if number > 1 else {}),
                **_way(
                    serving,
                    str(model["name"]),
                    number,
                    runtime,
                    directory,
                    f"{address}:{ports[instance(model['name'], number)]}",
                    is_apart=model["name"] in apart,
                ),
                **({"picture": True} if (projectors or {}).get(model["name"]) else {}),
            }
            for model, number in numbered
            if number <= serving.instances(model)[0]
        ],
        "services": [
            *(shared(number) for number in range(1, together + 1)),
            *(definition(model, number) for model, number in own),
        ],
        "parts": [definition(model) for model in parts],
    }


def place(model: Model, paths: Mapping[str, str]) -> str:
    """Where a model lies on its host. Of one that is compressed, what was made of it, wherever it came from."""
    known = str(paths.get(model["name"], ""))
    return known if model.get("compression") else str(model.get("path") or known)


def _way(
    serving: Engine, name: str, number: int, runtime: str, directory: str, address: str, *, is_apart: bool
) -> dict[str, str]:
    """A shared engine is asked where its role says; others each at their own place."""
    if runtime == "process":
        return {"socket_path": serving.socket(name, directory, number)}
    is_said = serving.shared and number == 1 and not is_apart
    return {} if is_said else {"url": f"http://{address}{serving.prefix}"}
