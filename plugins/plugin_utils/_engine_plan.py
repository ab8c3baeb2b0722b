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
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists

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
    paths: Mapping[str, str] | None = None,
    projectors: Mapping[str, str] | None = None,
    models_directory: str = "",
    fingerprints: Mapping[str, str] | None = None,
    build: str = "",
    timeout_seconds: int | str = 300,
) -> dict[str, Any]:
    if engine not in engines():
        raise AnsibleFilterError(f"engine is {engine!r}: use one of {', '.join(engines())}.")
    serving = engines()[engine]
    given_gpus = serving.gpus_of(models, gpus, runtime, gpu_numbers)
    devices = given_gpus["devices"]

    def told(model: Model, placed: Mapping[str, Any]) -> dict[str, Any]:
        name = str(model.get("name", ""))
        context = int((contexts or {}).get(name) or context_tokens(model))
        return serving.options(model, options or {}, context=context, planned=placed, prompt_cache_mib=prompt_cache_mib)

    def placed(name: str) -> dict[str, Any]:
        return {**({"device": devices[name]} if name in devices else {}), **(planned or {}).get(name, {})}

    def seen(path: str) -> str:
        return path.replace(models_directory, MOUNTED, 1) if runtime == "docker" and models_directory else path

    def path(model: Model) -> str:
        return seen(str(model.get("path") or (paths or {}).get(model["name"], "")))

    def files(model: Model) -> dict[str, Any]:
        return serving.files(path(model), seen((projectors or {}).get(model["name"], "")))

    try:
        ports = serving.ports([str(model["name"]) for model in models], int(port))
    except InputError as error:
        raise AnsibleFilterError(error.message) from error
    all_told = {model["name"]: {**files(model), **told(model, placed(model["name"]))} for model in models}

    def run(model: Model) -> dict[str, Any]:
        name = str(model["name"])
        return {
            "path": path(model),
            "words": serving.arguments(all_told[name], _engine_option_lists.find(engine, build)) if build else [],
            "socket": serving.socket(name, directory),
            "address": address,
            "port": ports[name],
            "gpus": list(model.get("gpus", gpus)),
            "fingerprint": str((fingerprints or {}).get(name, "")),
            "timeout_seconds": int(timeout_seconds),
        }

    return {
        "given": {model["name"]: told(model, {}) for model in models},
        "told": all_told,
        "gpus": given_gpus,
        "ports": ports,
        "sections": {model["name"]: serving.section(str(model["name"])) for model in models},
        "questions": [
            {
                "model": model["name"],
                "task": model.get("task", "chat"),
                **_way(serving, str(model["name"]), runtime, directory, address, ports),
                **({"picture": True} if (projectors or {}).get(model["name"]) else {}),
            }
            for model in models
            if serving.asks(model, runtime)
        ],
        "services": [
            serving.definition(str(model["name"]), all_told[model["name"]], run(model))
            for model in models
            if runtime == "process" or not serving.shared
        ],
    }


def _way(
    serving: Engine, name: str, runtime: str, directory: str, address: str, ports: Mapping[str, int]
) -> dict[str, str]:
    """A shared engine is asked where its role says; others each at their own place."""
    if runtime == "process":
        return {"socket_path": serving.socket(name, directory)}
    return {} if serving.shared else {"url": f"http://{address}:{ports[name]}/v1"}
