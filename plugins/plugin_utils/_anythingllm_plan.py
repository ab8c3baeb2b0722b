# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AnythingLLM is told, out of the one description. Passwords and keys are not here: who asks for the plan adds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils import _accepted, _anythingllm_agents, _anythingllm_windows

Described = Mapping[str, Any]
_CONTEXT, _ANSWER, _EMBEDDED = 4096, 1024, 512
# Every workspace uses the one provider, and names its model.
_PROVIDER = "generic-openai"
_OF_WORKSPACES = ("name", "slug", "state", "model", "system_prompt", "temperature", "history", "similarity_threshold")
_OF_USERS = {"name": "name", "state": "state", "role": "role", "daily_message_limit": "daily_messages"}


def plan(given: Described) -> dict[str, Any]:
    models = _with_contexts(given["models"], given["contexts"])
    window = _window(given, models)
    embeds = bool(given["embedding_model"])
    judged = _anythingllm_windows.judged(
        given["assistants"],
        window,
        request_bytes=int(given["request_max_bytes"]),
        models=models,
        embeds=embeds,
        accepted=_accepted.accepted(given["accept_removals"]),
    )
    agents = _anythingllm_agents.agents(given)
    present = [one for one in judged["assistants"] if one["state"] == "present"]
    readers = [one for one in present if "documents" in one]
    names = list(dict.fromkeys([*(user["name"] for user in given["users"]), given["admin"]]))
    kept = (*_OF_WORKSPACES, "top_n", "mode", *(["members"] if given["users"] else []))
    return {
        "settings": {
            **_settings(given, window),
            **(_embedder(given, judged) if embeds else {}),
            **agents["settings"],
            **given["settings"],
        },
        # How texts are cut that people bring; those of assistants are cut as each of them wants it.
        "preferences": {
            **agents["preferences"],
            **({f"text_splitter_{key}": judged[key] for key in ("chunk_size", "chunk_overlap")} if embeds else {}),
        },
        "provider_key_settings": ["GenericOpenAiKey", *(["GenericOpenAiEmbeddingApiKey"] if embeds else [])],
        "search_key_settings": agents["key_settings"],
        "names": names,
        "users": _users(given),
        "workspaces": [
            {**{key: one[key] for key in kept if key in one}, "provider": _PROVIDER} for one in judged["assistants"]
        ],
        "documents": [
            {
                "workspace": one["name"],
                "src": one["documents"],
                **{key: one[key] for key in ("chunk_size", "chunk_overlap") if key in one},
                "exclusive": True,
            }
            for one in readers
        ],
        "reading": [one["name"] for one in judged["assistants"] if one["reads"]],
        "percent_max": _accepted.percent_max(given["accept_removals"], given["removal_percent_max"]),
        "findings": [
            *_lacks(given, bool(readers)),
            *judged["findings"],
            *(f"hearth_frontends.anythingllm.{finding}" for finding in agents["findings"]),
        ],
        "notes": judged["notes"],
        "page": _page(given, names),
    }


def _lacks(given: Described, reads: bool) -> Iterator[str]:
    if not given["model"]:
        yield (
            f"AnythingLLM on {given['host']} needs a model that is loaded at the start: describe one in hearth_models, or set anythingllm_model."
        )
    elif reads and not given["embedding_model"]:
        yield (
            f"AnythingLLM on {given['host']} needs a model that embeds documents: describe one with task: embedding in hearth_models, or set "
            "anythingllm_embedding_model."
        )


def _with_contexts(models: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the description says goes before what the role fit decided."""
    decided = {name: {"context_tokens": tokens} for name, tokens in contexts.items()}
    return {name: {**decided.get(name, {}), **(models.get(name) or {})} for name in {**decided, **models}}


def _window(given: Described, models: Mapping[str, Described]) -> _anythingllm_windows.Window:
    """One for all models: the smallest of those that are used, where the role is not told otherwise."""
    used = [models[name] for name in [*(one["model"] for one in given["assistants"]), given["model"]] if name in models]
    context = int(given["context_tokens"]) or _smallest(used, "context_tokens", _CONTEXT)
    answer = int(given["max_output_tokens"]) or _smallest(used, "max_output_tokens", min(_ANSWER, context // 4))
    embedder = models.get(given["embedding_model"], {})
    embedded = int(given["embedding_tokens"]) or int(embedder.get("context_tokens") or _EMBEDDED)
    return _anythingllm_windows.Window(context, answer, embedded)


def _smallest(models: Sequence[Described], key: str, otherwise: int) -> int:
    return min((int(model.get(key) or otherwise) for model in models), default=otherwise)


def _settings(given: Described, window: _anythingllm_windows.Window) -> dict[str, Any]:
    return {
        "LLMProvider": _PROVIDER,
        "GenericOpenAiBasePath": given["provider_url"],
        "GenericOpenAiModelPref": given["model"],
        "GenericOpenAiTokenLimit": str(window.context),
        "GenericOpenAiMaxTokens": str(window.answer),
        "VectorDB": "lancedb",
        "DisableTelemetry": "true",
    }


def _embedder(given: Described, judged: Described) -> dict[str, Any]:
    return {
        "EmbeddingEngine": _PROVIDER,
        "EmbeddingBasePath": given["provider_url"],
        "EmbeddingModelPref": given["embedding_model"],
        # Characters.
        "EmbeddingModelMaxChunkLength": judged["chunk_limit"],
        "GenericOpenAiEmbeddingMaxConcurrentChunks": judged["chunks_per_request"],
    }


def _users(given: Described) -> list[dict[str, Any]]:
    described = list(given["users"])
    if given["admin"] not in [user["name"] for user in described]:
        described.append({"name": given["admin"], "role": "admin"})
    return [{new: user[old] for new, old in _OF_USERS.items() if old in user} for user in described]


def _page(given: Described, names: Sequence[str]) -> dict[str, Any]:
    """What a person needs to log in. Without users everybody shares one password."""
    secrets = given["secrets_directory"]
    logins = {name: f"{secrets}/users/{name}" for name in names}
    return {
        "name": "AnythingLLM",
        "url": given["url"],
        "administrator": given["admin"] if given["users"] else "",
        "logins": logins if given["users"] else {"": f"{secrets}/anythingllm/auth_token"},
    }
