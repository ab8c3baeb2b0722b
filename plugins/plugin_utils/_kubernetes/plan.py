# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of an installation, in the order in which they are applied. No secret is in it: it names Secrets that are made beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import Engine, context_tokens
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.plugins.module_utils._sizes import size_bytes
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes import engines as served
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes import gateway, network, storage
from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.names import labels, manifest
from ansible_collections.hearth.llm.plugins.plugin_utils._records import records

Model = Mapping[str, Any]
ONE_NODE = "ReadWriteOnce"
# Namespaces are judged by the strictest of the standards that Kubernetes has for pods.
_RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def kubernetes_plan(given: Mapping[str, Any]) -> dict[str, Any]:
    # Values of a play carry Ansible's tags, which are nothing for a server.
    given = json.loads(json.dumps(given))
    models = {name: model for name, model in records(given["models"]).items() if _engine(model)}
    namespace, volume = str(given["namespace"]), _volume(given["storage"])
    on_one_node = volume["access"] == ONE_NODE
    told = {name: words(name, model, given) for name, model in models.items()}
    # With one node for all who have the volume, none of them may be where another one is not.
    spot = all(_pod(model).get("spot", False) for model in models.values()) and bool(models)
    fetched = fetch_told(models, given)
    job = list(
        storage.job(
            fetched,
            namespace,
            image=str(given["images"]["python"]),
            token=str(given["token_secret"]),
            deadline_seconds=int(given["fetch_timeout_seconds"]),
            nodes=given["nodes"],
            spot=spot,
            on_one_node=on_one_node,
        )
    )
    stages = {
        "foundation": [
            manifest("v1", "Namespace", namespace, "", {**labels("namespace"), **_RESTRICTED}),
            *network.policies(namespace, _addresses(models, given)),
            storage.claim(namespace, size=volume["bytes"], storage_class=volume["class"], access=volume["access"]),
        ],
        "fetch": job,
        "engines": [
            one
            for name, model in models.items()
            for one in served.engine(name, _engine_told(name, model, told[name], given, on_one_node), namespace)
        ],
        "gateway": list(gateway.gateway(str(given["files_secret"]), namespace, _gateway_told(given))),
    }
    return {
        "stages": stages,
        "storage": volume,
        "job": job[-1]["metadata"]["name"],
        "given": {name: _options(name, model, given) for name, model in models.items()},
        "names": sorted(f"{one['kind']}/{one['metadata']['name']}" for stage in stages.values() for one in stage),
    }


def _volume(described: Mapping[str, Any]) -> dict[str, Any]:
    """A size that is wrong has its finding already."""
    try:
        size = size_bytes(described["size"])
    except ValueError:
        size = 1
    return {"bytes": size, "class": str(described["class"]), "access": str(described["access"])}


def _engine(model: Model) -> Engine | None:
    """One that is not there, or not for clusters, has its finding already."""
    found = engines().get(model.get("engine", DEFAULT))
    return found if found and "kubernetes" in found.runtimes else None


def _served_by(model: Model) -> Engine:
    """The engine of a model that has one for clusters: others were left out."""
    return engines()[model.get("engine", DEFAULT)]


def _pod(model: Model) -> Mapping[str, Any]:
    return model.get("pod") or {}


def _options(name: str, model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """In the engine's words. llama.cpp counts the processors of the node, and more threads than a pod may use wait for each other."""
    engine = _served_by(model)
    context = int(given["contexts"].get(name) or context_tokens(model))
    threads = {"threads": int(_pod(model).get("cpus", 1))}
    named = {**model, "name": name}
    return engine.options(named, given["options"].get(engine.name, {}), context=context, planned=threads)


def words(name: str, model: Model, given: Mapping[str, Any]) -> list[str]:
    engine = _served_by(model)
    known = _engine_option_lists.find(engine.name, str(given["images"][engine.name]))
    return engine.arguments(_options(name, model, given), known)


def _engine_told(
    name: str, model: Model, told: list[str], given: Mapping[str, Any], on_one_node: bool
) -> dict[str, Any]:
    engine, its = _served_by(model), _pod(model)
    path = str(given["paths"].get(name) or f"{storage.MOUNTED}/{identifier(name)}")
    least, most = engine.instances(model)
    return {
        **engine.container({**model, "name": name}, path, told, served.KEY),
        "image": given["images"][engine.name],
        "cpus": int(its.get("cpus", 1)),
        # Binary units, as the kernel counts: bytes are for people hard to read.
        "memory": f"{-(-size_bytes(its.get('memory', '1GiB')) // 1048576)}Mi",
        "least": max(1, least),
        "most": max(1, most),
        "spot": its.get("spot", False),
        "surge": its.get("surge", True),
        "nodes": its.get("nodes") or given["nodes"],
        "on_one_node": on_one_node,
        "start_seconds": given["start_timeout_seconds"],
        "key": given["key_secret"],
        "fingerprint": given["fingerprints"].get(name, ""),
    }


def fetch_told(models: Mapping[str, Model], given: Mapping[str, Any]) -> str:
    """What the Job reads."""
    wanted = [
        {
            "name": name,
            "source": model.get("source", ""),
            "sha256": str(model.get("sha256") or "").lower(),
            "files": list(model.get("files") or []),
        }
        for name, model in sorted(models.items())
    ]
    return json.dumps(
        {
            "models": wanted,
            "directory": storage.MOUNTED,
            "endpoint": given["endpoint"],
            "token_path": storage.token_path(str(given["token_secret"])),
            "lock": given["lock"],
            "removal_percent_max": int(given["removal_percent_max"]),
        },
        indent=1,
        sort_keys=True,
    )


def _addresses(models: Mapping[str, Model], given: Mapping[str, Any]) -> list[str]:
    sources = [str(model.get("source", "")) for model in models.values()]
    return [*([str(given["endpoint"])] if given["endpoint"] else []), *(one for one in sources if "://" in one)]


def _gateway_told(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**given["gateway"], "image": given["images"]["gateway"], "nodes": given["nodes"]}
