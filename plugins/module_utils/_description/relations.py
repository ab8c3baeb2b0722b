# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in a description whose values are each right: names that lead nowhere, duplicates, contradictions."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, Callable, Collection, Iterator, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.models import CONTEXT_TOKENS, ranks
from ansible_collections.hearth.llm.plugins.module_utils._description.words import listed, nearest

# What the gateway calls its own parts; statistics could not tell them from a model.
_RESERVED = ("gateway", "metrics", "redirect", "waiting")

# What the role tells an engine itself, by the keys of the description: option, and its other names → what to write.
_LLAMA_CPP_OWN = {
    "context_tokens and slots": ("ctx-size", "c", "n-ctx", "parallel", "np", "n-parallel"),
    "max_output_tokens": ("n-predict", "predict", "n"),
    "idle_unload_seconds": ("sleep-idle-seconds",),
    "the model's name in hearth_models": ("alias", "a"),
    "source or path": (
        "model",
        "m",
        "model-url",
        "mu",
        "hf-repo",
        "hf",
        "hfr",
        "hf-file",
        "hff",
        "models-dir",
        "models-preset",
    ),
    "hearth_address and hearth_port for the gateway, llama_cpp_address and llama_cpp_port for the engine": (
        "host",
        "port",
    ),
    "llama_cpp_api_key": ("api-key", "api-key-file"),
    "llama_cpp_loaded_models_max": ("models-max",),
}
_VLLM_OWN = {
    "context_tokens": ("max-model-len",),
    "slots": ("max-num-seqs",),
    "the model's name in hearth_models": ("served-model-name",),
    "source or path": ("model", "download-dir"),
    "hearth_address and hearth_port for the gateway, vllm_address and vllm_first_port for the engine": (
        "host",
        "port",
        "uds",
    ),
    "vllm_api_key": ("api-key",),
}
_OWN = {
    engine: {option: key for key, options in table.items() for option in options}
    for engine, table in (("llama_cpp", _LLAMA_CPP_OWN), ("vllm", _VLLM_OWN))
}


class Surroundings:
    """What a description is read against. Whoever has no controller leaves it as it is."""

    def __init__(
        self,
        *,
        now: int = 0,
        documents: Callable[[str], int | None] | None = None,
        serves: bool = True,
        exclusive: Sequence[str] = (),
    ) -> None:
        self.now = now
        # How many files lie at a path of the controller; nothing where there is no such path.
        self.documents = documents
        # Whether hearth_models has to be there.
        self.serves = serves
        # Frontends that lose what is not described.
        self.exclusive = exclusive


def contradictions(described: Typed, around: Surroundings) -> Iterator[str]:
    """What could not be read is left alone: its own finding comes first."""
    yield from _models(described)
    yield from _keys(described, around)
    yield from _frontends(described)
    yield from _assistants(described, around)
    yield from _users(described)
    yield from _host(described)
    yield from _exclusive(described, around)


def _models(described: Typed) -> Iterator[str]:
    process = described.get("hearth_runtime") == "process"
    models = described.get("hearth_models", {})
    for lower, names in _alike(models):
        yield f"hearth_models: {' and '.join(names)} differ by capital letters only, and would share the directory {lower} on some file systems: rename one."
    for name, model in models.items():
        path = f"hearth_models.{name}"
        engine = model.get("engine", "llama_cpp" if model.lacks("engine") else "")
        if name in _RESERVED:
            yield f"hearth_models: the name {name} is one of the gateway's own: use another."
        if model.lacks("source") and model.lacks("path") and not model.broken:
            yield f"{path} has no source: write hf://owner/repository/file, https://… or file:///…, or the path of a model that lies on the host."
        if "source" in model and "path" in model:
            yield f"{path} has both source and path: keep one."
        yield from _options(path, engine, model.get("options", {}))
        yield from _lengths(path, model)
        task = model.get("task", "chat")
        if engine == "llama_cpp" and task != "rerank" and ranks(model.get("options", {})):
            yield f"{path}.options make it rank documents, and its task is {task}: write task: rerank, and take these options away."
        if engine == "vllm":
            if process:
                yield f"{path}.engine is 'vllm', and hearth_runtime is process: vLLM is run in containers only, so write hearth_runtime: docker, or engine: llama_cpp."
            if model.get("load") == "on_demand":
                yield f"{path}.load is 'on_demand', and vLLM has its models loaded from the start: write startup, or take it away."
            if "idle_unload_seconds" in model:
                yield f"{path}.idle_unload_seconds is {model['idle_unload_seconds']}, and vLLM never unloads a model: take it away."
            if str(model.get("source", model.get("path", ""))).lower().endswith(".gguf"):
                yield f"{path}.source is a GGUF file, and vLLM serves whole repositories: name one (hf://owner/repository), or write engine: llama_cpp."
        if engine == "llama_cpp" and process and model.get("load") == "on_demand":
            yield f"{path}.load is 'on_demand', and with hearth_runtime: process every model is loaded from the start: write startup, or take it away."
        if process and model.get("gpus"):
            yield f"{path}.gpus is [{listed(model['gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, or write hearth_runtime: docker."


def _lengths(path: str, model: Typed) -> Iterator[str]:
    output = model.get("max_output_tokens")
    assumed = CONTEXT_TOKENS if model.lacks("context_tokens") else None
    context = model.get("context_tokens", assumed)
    if output is not None and context is not None and output >= context:
        where = "" if "context_tokens" in model else ", what a model has that names none,"
        yield f"{path}.max_output_tokens is {output}, and context_tokens, which holds question and answer, is {context}{where}: write less than {context}, or a longer context_tokens."


def _options(path: str, engine: str, options: Mapping[str, Any]) -> Iterator[str]:
    for option in options:
        plain = str(option).lstrip("-").replace("_", "-")
        key = _OWN.get(engine, {}).get(plain)
        if key:
            yield f"{path}.options.{option} is not for options, because it follows from {key}: take it away, and write that."


def _keys(described: Typed, around: Surroundings) -> Iterator[str]:
    keys = described.get("hearth_api_keys", [])
    models = _names(described, "hearth_models")
    yield from _twice("hearth_api_keys", "the name", [key["name"] for key in keys if "name" in key])
    yield from _same_texts(keys)
    for key in keys:
        name = key.get("name", "")
        path = f"hearth_api_keys[{name}]"
        if name in described.get("hearth_frontends", {}):
            yield f"{path} has the name of a frontend, which has a key of its own: use another name."
        if "key" in key and "sha256" in key:
            yield f"{path} has both key and sha256: keep one."
        if "rotation" in key and ("key" in key or "sha256" in key):
            yield f"{path}.rotation is for keys that are made here, and this one has a {'key' if 'key' in key else 'sha256'}: take one of them away, or name the old text in previous."
        if "hand_over" in key and "sha256" in key:
            yield f"{path}.hand_over has nothing to write, because the text of a key with a sha256 is not known here: take it away."
        for previous in key.get("previous", []):
            if not previous.unsure and ("key" in previous) == ("sha256" in previous):
                yield f"{path}.previous: each has one of key and sha256: write one."
        if around.now and key.get("expires", around.now + 1) <= around.now:
            yield f"{path}.expires is over, so that nobody can ask with it: write a later day, or take the key away."
        if models is not None:
            for model in key.get("models", []):
                if model not in models:
                    yield f"{path}.models: {model} is not described, and hearth_models has {_some(models)}: {_correct(model, models)}."
    for path, names in _owners(keys):
        yield f"hearth_api_keys: {' and '.join(names)} are handed over into one file, {path}: give each its own."


def _same_texts(keys: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """By their hashes, so that a text and the hash of the same text are seen, too."""
    seen: dict[str, str] = {}
    for key in keys:
        text = key.get("sha256") or (hashlib.sha256(key["key"].encode()).hexdigest() if "key" in key else "")
        if text and text in seen:
            yield f"hearth_api_keys: {seen[text]} and {key.get('name', '')} have the same key, and nobody could tell who asks: give each its own."
        seen.setdefault(text, key.get("name", ""))


def _owners(keys: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    places: dict[str, list[str]] = {}
    for key in keys:
        path = key.get("hand_over", {}).get("path")
        if path:
            places.setdefault(path, []).append(key.get("name", ""))
    return ((path, names) for path, names in places.items() if len(names) > 1)


def _frontends(described: Typed) -> Iterator[str]:
    frontends = described.get("hearth_frontends", Typed())
    domain = described.get("hearth_domain", "localhost")
    names = [str(frontend.get("domain", domain)).lower() for frontend in frontends.values()]
    for name, count in Counter(names).items():
        if count > 1:
            yield f"hearth_frontends: {' and '.join(frontends)} both have the name {name}: give all but one a domain of its own."
    if "anythingllm" in frontends and described.get("hearth_runtime") == "process":
        yield "hearth_frontends.anythingllm is run in a container only, and hearth_runtime is process: write hearth_runtime: docker, or take open_webui."


def _assistants(described: Typed, around: Surroundings) -> Iterator[str]:
    assistants = described.get("hearth_assistants", {})
    users = _names(described, "hearth_users")
    models = _names(described, "hearth_models")
    frontends = described.get("hearth_frontends", Typed())
    if assistants and _no_page(described):
        yield "hearth_assistants needs a page, and hearth_frontends is not described: write hearth_frontends: {open_webui: {}}, or take the assistants away."
    for lower, names in _alike(assistants):
        yield f"hearth_assistants: {' and '.join(names)} would share the address {lower}: rename one."
    for name, assistant in assistants.items():
        path = f"hearth_assistants.{name}"
        model = assistant.get("model")
        if model is not None and models is not None:
            if model not in models:
                yield f"{path}.model is '{model}', and hearth_models has {_some(models)}: {_correct(model, models)}."
            elif _task(described, model) != "chat":
                yield f"{path}.model is '{model}', a model for {_task(described, model)}: name one that chats."
        if "members" in assistant and described.lacks("hearth_users"):
            yield f"{path}.members names {listed(assistant['members'])}, and there are no hearth_users: describe them there, or take members away."
        elif users is not None:
            for member in assistant.get("members", []):
                if member not in users:
                    yield f"{path}.members: {member} is not in hearth_users, which has {_some(users)}: {_correct(member, users)}."
        for frontend in assistant.get("frontends", []):
            if frontends and not frontends.unsure and frontend not in frontends:
                yield f"{path}.frontends: {frontend} is not run, and hearth_frontends has {_some(frontends)}: describe it there, or take it away."
        overlap, chunk = assistant.get("chunk_overlap_tokens"), assistant.get("chunk_tokens")
        if overlap is not None and chunk is not None and overlap >= chunk:
            yield f"{path}.chunk_overlap_tokens is {overlap}, and a piece has {chunk} tokens: write less than {chunk}."
        yield from _documents(path, assistant.get("documents"), around)


def _names(described: Typed, variable: str, absent: Collection[str] | None = None) -> Collection[str] | None:
    """The names that others may lead to; nothing where one of them could not be read. `absent`: those of a variable that is not there."""
    value = described.get(variable)
    if value is None:
        return absent if described.lacks(variable) else None
    if isinstance(value, Typed):
        return None if value.unsure else value
    return [user["name"] for user in value] if value and all("name" in user for user in value) else None


def _task(described: Typed, model: str) -> str:
    return str(described["hearth_models"][model].get("task", "chat"))


def _no_page(described: Typed) -> bool:
    frontends = described.get("hearth_frontends", Typed())
    return not frontends and not frontends.unsure and "hearth_frontends" not in described.unsure


def _documents(path: str, place: str | None, around: Surroundings) -> Iterator[str]:
    if place is None or around.documents is None:
        return
    count = around.documents(place)
    if count is None:
        yield f"{path}.documents is '{place}', and there is nothing on the controller: correct the path, or take it away."
    elif count == 0:
        yield f"{path}.documents is '{place}', and no file lies there: put the documents there, or take it away."


def _users(described: Typed) -> Iterator[str]:
    users = described.get("hearth_users", [])
    assistants = _names(described, "hearth_assistants", absent=())
    frontends = described.get("hearth_frontends", Typed())
    if users and _no_page(described):
        yield "hearth_users needs a page to log in at, and hearth_frontends is not described: write hearth_frontends: {open_webui: {}}, or take the users away."
    names = [user["name"] for user in users if "name" in user]
    yield from _twice("hearth_users", "the user", names)
    for _lower, alike in _alike(names):
        yield f"hearth_users: {' and '.join(alike)} differ by capital letters only: rename one."
    yield from _twice(
        "hearth_users", "the e-mail address", [user["email"].lower() for user in users if "email" in user]
    )
    for user in users:
        name = user.get("name", "")
        path = f"hearth_users[{name}]"
        if "anythingllm" in frontends and not _anythingllm_takes(name):
            yield f"{path}.name is '{name}', and AnythingLLM takes 2 to 64 of a-z, 0-9, '.', '_', '@' and '-', beginning with a letter: rename the user."
        if "open_webui" in frontends and "@" in name and "email" not in user:
            yield f"{path}.name has an '@', and Open WebUI would know the user as {name}@{described.get('hearth_domain', 'localhost')}: give the user an email."
        if user.get("state") == "absent" or assistants is None:
            continue
        for assistant in user.get("assistants", []):
            if assistant not in assistants:
                yield f"{path}.assistants: {assistant} is not described, and hearth_assistants has {_some(assistants)}: {_correct(assistant, assistants)}."


def _anythingllm_takes(name: str) -> bool:
    return not name or (name == name.lower() and name[0].isalpha() and len(name) >= 2)


def _host(described: Typed) -> Iterator[str]:
    if described.get("hearth_runtime") == "process":
        if described.get("hearth_gpus"):
            yield f"hearth_gpus is [{listed(described['hearth_gpus'])}], and with hearth_runtime: process models are computed by the CPU: take it away, or write hearth_runtime: docker."
        if described.get("hearth_gpu") == "required":
            yield "hearth_gpu is 'required', and with hearth_runtime: process models are computed by the CPU: take it away, or write hearth_runtime: docker."
        for variable in ("hearth_otel_collector", "hearth_valkey"):
            if described.get(variable):
                yield f"{variable} is true, and it is run in a container only, while hearth_runtime is process: take it away, or write hearth_runtime: docker."
    elif described.get("hearth_gpu") == "none" and described.get("hearth_gpus"):
        yield f"hearth_gpus is [{listed(described['hearth_gpus'])}], and hearth_gpu is none: take one of them away."
    yield from _tls(described.get("hearth_tls", Typed()))


def _tls(tls: Typed) -> Iterator[str]:
    if "source" in tls.unsure:
        return
    source = tls.get("source", "private_ca")
    given = [name for name in ("certificate", "key") if name in tls]
    missing = " and ".join(f"hearth_tls.{name}" for name in ("certificate", "key") if tls.lacks(name))
    if source == "files" and missing:
        yield f"hearth_tls.source is 'files', and {missing} is missing: name both files on the controller."
    if source != "files" and given:
        yield f"hearth_tls.{given[0]} is a file, and hearth_tls.source is '{source}': write source: files, or take it away."
    if source == "private_ca" and "authority" in tls:
        yield "hearth_tls.authority is a file, and hearth_tls.source is 'private_ca', which makes its own: write source: files, or take it away."
    if source != "acme" and "acme" in tls:
        yield f"hearth_tls.acme is described, and hearth_tls.source is '{source}': write source: acme, or take it away."
    acme = tls.get("acme", Typed())
    if (
        source == "acme"
        and "acme" not in tls.unsure
        and "terms_agreed" not in acme.unsure
        and not acme.get("terms_agreed")
    ):
        yield "hearth_tls.source is 'acme', and hearth_tls.acme.terms_agreed is not true: read the server's terms, and agree to them by terms_agreed: true."


def _exclusive(described: Typed, around: Surroundings) -> Iterator[str]:
    """A frontend that loses whatever is not described needs a description to hold it against."""
    for frontend in around.exclusive:
        if frontend not in described.get("hearth_frontends", {}):
            continue
        for variable in ("hearth_users", "hearth_assistants"):
            if described.lacks(variable):
                yield f"{variable} is not described, and {frontend}_exclusive would take away all that are there: describe them, or write {frontend}_exclusive: false."


def _twice(variable: str, what: str, names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{variable}: {what} {name} is there {count} times: keep one, or rename the others."


def _alike(names: Any) -> Iterator[Any]:
    """Names that are the same but for their capital letters."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(name.lower(), []).append(name)
    return ((lower, group) for lower, group in groups.items() if len(group) > 1)


def _some(names: Any) -> str:
    known: list[str] = sorted(names)
    return listed(known) if known else "none"


def _correct(name: str, names: Any) -> str:
    near = nearest(name, list(names))
    return f"write {near}, or describe {name}" if near else "correct the name, or describe it"
