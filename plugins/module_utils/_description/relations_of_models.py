# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in hearth_models."""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import (
    DEFAULT_CONTEXT,
    FIRST_REQUEST,
    Engine,
)
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._served_names import RESERVED, clashes, instance_clashes
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url


def of_models(described: Typed) -> Iterator[str]:
    process = described.get("hearth_runtime") == "process"
    # Empty where it could not be read, which has its finding.
    runtime = "" if "hearth_runtime" in described.unsure else described.get("hearth_runtime", "docker")
    models = described.get("hearth_models", {})
    yield from (f"hearth_models: {clash}" for clash in (*clashes(models), *instance_clashes(most_instances(models))))
    yield from _split(models)
    yield from _over_nodes(models)
    for name, model in models.items():
        path = f"hearth_models.{name}"
        engine = engines().get(model.get("engine", DEFAULT if model.lacks("engine") else ""))
        if name in RESERVED:
            yield f"hearth_models: the name {name} is one of the gateway's own: use another."
        if model.lacks("source") and model.lacks("path") and not model.broken:
            yield f"{path} has no source: write hf://owner/repository/file, https://… or file:///…, or the path of a model that lies on the host."
        if "source" in model and "files" in model:
            yield from _files(path, model["source"], model["files"])
        if "source" in model and "path" in model:
            yield f"{path} has both source and path: keep one."
        yield from _first_request(path, model)
        yield from _lengths(path, model)
        if engine:
            yield from engine.findings(path, model, runtime)
            yield from _of_another_engine(path, model, engine)
            yield from _instances(path, model, engine)
        if process and model.get("gpus"):
            yield (
                f"{path}.gpus is [{listed(model['gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, "
                "or write hearth_runtime: docker."
            )


def _split(models: Mapping[str, Typed]) -> Iterator[str]:
    """A worker serves one head at a time."""
    taken: dict[str, str] = {}
    for name, model in models.items():
        hosts = model.get("rpc") or ()
        if hosts and model.get("engine", DEFAULT) != "llama_cpp" and "engine" not in model.unsure:
            yield f"hearth_models.{name}.rpc splits it over workers of llama.cpp, and its engine is {model['engine']}: take it away."
        for host in hosts:
            other = taken.setdefault(host, name)
            if other != name:
                yield f"hearth_models.{other} and hearth_models.{name} are both split over {host}, which serves one model: take it out of one rpc."
            elif list(hosts).count(host) > 1:
                yield f"hearth_models.{name}.rpc names {host} twice: keep one."
                break


# What of a model does not go with nodes, and why.
_NOT_OVER_NODES = {
    "hosts": "each of hosts would have the whole model",
    "instances": "one model over several hosts is one instance",
    "rpc": "rpc splits a model of llama.cpp",
}


def _over_nodes(models: Mapping[str, Typed]) -> Iterator[str]:
    for name, model in models.items():
        path, nodes = f"hearth_models.{name}", list(model.get("nodes") or ())
        if not nodes:
            continue
        engine = engines().get(model.get("engine", DEFAULT))
        if engine and not engine.over_nodes and "engine" not in model.unsure:
            able = listed([other for other, one in engines().items() if one.over_nodes])
            yield f"{path}.nodes splits it over the GPUs of several hosts, and {engine.title} does not do that: write engine: {able}, or take nodes away."
        yield from (
            f"{path} has both nodes and {key}, and {why}: keep one."
            for key, why in _NOT_OVER_NODES.items()
            if model.get(key)
        )
        twice = sorted({node for node in nodes if nodes.count(node) > 1})
        if twice:
            yield f"{path}.nodes names {listed(twice)} twice: keep one."
        if model.get("load") == FIRST_REQUEST:
            yield f"{path}.load is {FIRST_REQUEST!r}, and a model with nodes is fetched on each of them before it is loaded: write startup, or take it away."


def _of_another_engine(path: str, model: Typed, engine: Engine) -> Iterator[str]:
    """Keys that mean something to one engine alone."""
    for key in sorted({key for one in engines().values() for key in one.keys if key not in engine.keys}):
        if key in model:
            able = listed([name for name, one in engines().items() if key in one.keys])
            yield f"{path}.{key} is for the engine {able}, and {engine.title} serves this model: write engine: {able}, or take {key} away."


def most_instances(models: Mapping[str, Typed]) -> dict[str, int]:
    """How many there are at most of each model whose engine is known."""
    served = {name: engines().get(model.get("engine", DEFAULT)) for name, model in models.items()}
    return {name: engine.instances(models[name])[1] for name, engine in served.items() if engine}


def _kind(source: str) -> str:
    try:
        return parse(source).kind
    except InputError:
        return ""


def _files(path: str, source: str, files: Sequence[str]) -> Iterator[str]:
    try:
        parse(source, files, endpoint=None)
    except InputError as problem:
        yield f"{path}.files: {problem.message}"


def _first_request(path: str, model: Typed) -> Iterator[str]:
    """What is fetched on its first request has to be known before that."""
    if "load" in model.unsure:
        return
    if model.get("load") != FIRST_REQUEST:
        if model.get("pinned"):
            yield f"{path}.pinned is true, and only a model with load: {FIRST_REQUEST} ever gives way: take it away."
        return
    kind = _kind(model["source"]) if "source" in model else ""
    if "path" in model or kind == "file":
        yield f"{path}.load is {FIRST_REQUEST!r}, and the model lies on the host already: write startup, or a source of the hub."
    elif kind == "web" and safe_url(model["source"]) != model["source"]:
        yield (
            f"{path}.load is {FIRST_REQUEST!r}, and its address carries what may be a secret, which would be written down on the host, and may have ended when"
            " somebody asks: write startup, or an address without."
        )
    elif kind == "web" and model.lacks("sha256"):
        yield f"{path}.load is {FIRST_REQUEST!r}, and nobody knows which bytes are right: write its sha256."


def _instances(path: str, model: Typed, engine: Engine) -> Iterator[str]:
    described = model.get("instances", Typed())
    if model.unsure & {"instances", "load"} or described.unsure:
        return
    load = model.get("load", "startup")
    least, most = engine.instances(model)
    if least > most:
        yield f"{path}.instances.min is {least}, and max is {most}: write max: {least}, or a smaller min."
    elif "min" not in described:
        return
    elif load == "startup" and not least:
        yield f"{path}.instances.min is 0, and load is 'startup', which has one from the start: write load: on_demand, or take min away."
    elif load != "startup" and least:
        yield f"{path}.instances.min is {least}, and load is {load!r}, which has none from the start: write load: startup, or take min away."
    elif least != most and not engine.unloads:
        yield (
            f"{path}.instances.min is {least}, and max is {most}, and {engine.title} neither loads nor unloads a model while it runs: write the same for both, "
            "or leave min out."
        )


def _lengths(path: str, model: Typed) -> Iterator[str]:
    output = model.get("max_output_tokens")
    assumed = DEFAULT_CONTEXT if model.lacks("context_tokens") else None
    context = model.get("context_tokens", assumed)
    if output is not None and context is not None and output >= context:
        where = "" if "context_tokens" in model else ", what a model has that names none,"
        yield (
            f"{path}.max_output_tokens is {output}, and context_tokens, which holds question and answer, is {context}{where}: "
            f"write less than {context}, or a longer context_tokens."
        )
