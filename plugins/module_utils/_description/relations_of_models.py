# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in hearth_models."""

from __future__ import annotations

from typing import Iterator, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed
from ansible_collections.hearth.llm.plugins.module_utils._engines import DEFAULT, engines
from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import DEFAULT_CONTEXT
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import parse
from ansible_collections.hearth.llm.plugins.module_utils._served_names import RESERVED, clashes


def of_models(described: Typed) -> Iterator[str]:
    process = described.get("hearth_runtime") == "process"
    models = described.get("hearth_models", {})
    yield from (f"hearth_models: {clash}" for clash in clashes(models))
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
        yield from _lengths(path, model)
        if engine:
            yield from engine.findings(path, model, described.get("hearth_runtime", "docker"))
        if process and model.get("gpus"):
            yield (
                f"{path}.gpus is [{listed(model['gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, "
                "or write hearth_runtime: docker."
            )


def _files(path: str, source: str, files: Sequence[str]) -> Iterator[str]:
    try:
        parse(source, files, endpoint=None)
    except InputError as problem:
        yield f"{path}.files: {problem.message}"


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
