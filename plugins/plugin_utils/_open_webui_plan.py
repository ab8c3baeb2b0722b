# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Open WebUI is told, out of the one description.

The documents of an assistant are a knowledge of its name, which goes with the assistant. Passwords and keys are not here: who asks for the plan adds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import ADDED
from ansible_collections.hearth.llm.plugins.plugin_utils import _accepted, _open_webui_findings

Described = Mapping[str, Any]
_KEPT = ("name", "state", "description", "model", "system_prompt", "temperature", "members")
# How many pieces a model is shown where no assistant says it.
_TOP_K = 3
# Of a text, characters for a token.
_CHARACTERS = 4
# A token is at most twelve bytes in a request, two Russian letters, and the gateway takes a request of 1 MiB.
_TOKENS_PER_REQUEST, _PIECES_PER_REQUEST = 80000, 16


def plan(given: Described) -> dict[str, Any]:
    assistants = given["assistants"]
    present = [one for one in assistants if _present(one)]
    top_k = int(given["top_k"]) or _wished_top_k(assistants)
    tokens, overlap = int(given["chunk_tokens"]), int(given["chunk_overlap_tokens"])
    admin = f"{given['admin']}@{given['email_domain']}"
    users = [_user(user, given["email_domain"]) for user in given["users"]]
    names = list(dict.fromkeys([*(user["name"] for user in given["users"]), given["admin"]]))
    return {
        "settings": {**_settings(given, top_k), **given["settings"]},
        "embedding": _embedding(given, [int(one.get("chunk_tokens", tokens)) for one in assistants] + [tokens]),
        "names": names,
        "users": users,
        "knowledge": [
            _knowledge(one, tokens, overlap) for one in assistants if "documents" in one or not _present(one)
        ],
        "models": [_model(one, bool(given["exclusive"])) for one in assistants],
        "asked": [{"name": one["name"], "sources": _searches(one)} for one in present],
        "percent_max": _accepted.percent_max(given["accept_removals"], given["removal_percent_max"]),
        "findings": [
            *_lacks(given, present),
            *_open_webui_findings.findings(
                assistants,
                models=given["models"],
                settings=given["settings"],
                top_k=given["settings"].get("rag.top_k", top_k),
                chunk_tokens=tokens,
                embedding_context_tokens=int(given["embedding_context_tokens"]),
                template=given["rag_template"],
            ),
        ],
        "page": {
            "name": "Open WebUI",
            "url": given["url"],
            "administrator": admin,
            "logins": {
                login: f"{given['secrets_directory']}/users/{name}"
                for login, name in [(admin, given["admin"]), *((user["email"], user["name"]) for user in users)]
            },
        },
    }


def _lacks(given: Described, present: Sequence[Described]) -> Iterator[str]:
    if not given["embedding_model"] and any("documents" in one for one in present):
        yield (
            f"Open WebUI on {given['host']} needs a model that embeds documents: describe one with task: embedding in hearth_models, or set "
            "open_webui_embedding_model."
        )


def _wished_top_k(assistants: Sequence[Described]) -> int:
    return next((int(one["top_n"]) for one in assistants if "documents" in one and "top_n" in one), _TOP_K)


def _settings(given: Described, top_k: int) -> dict[str, Any]:
    # What people upload: nobody knows what it will be, and at worst each character is a token.
    characters = min(int(given["chunk_tokens"]) * _CHARACTERS, int(given["embedding_context_tokens"]) - ADDED)
    return {
        "webui.url": given["url"],
        "rag.top_k": top_k,
        "rag.chunk_size": characters,
        "rag.chunk_overlap": min(int(given["chunk_overlap_tokens"]) * _CHARACTERS, characters // 4),
        "models.default_params": {"function_calling": "legacy"},
        **({"rag.template": given["rag_template"]} if given["rag_template"] else {}),
    }


def _embedding(given: Described, cut: Sequence[int]) -> dict[str, Any]:
    return {
        "engine": "openai",
        "model": given["embedding_model"],
        "url": given["provider_url"],
        "batch_size": min(_PIECES_PER_REQUEST, max(1, _TOKENS_PER_REQUEST // max(1, *cut))),
        "concurrent_requests": int(given["embedding_requests"]),
    }


def _user(user: Described, email_domain: str) -> dict[str, Any]:
    """There is no manager here: he is a user."""
    role = user.get("role", "user")
    return {
        "email": f"{user['name']}@{email_domain}",
        **{key: user[key] for key in ("name", "email", "state") if key in user},
        "role": "user" if role == "manager" else role,
    }


def _knowledge(assistant: Described, tokens: int, overlap: int) -> dict[str, Any]:
    if not _present(assistant):
        return {"name": assistant["name"], "state": "absent"}
    cut = int(assistant.get("chunk_tokens", tokens))
    return {
        "name": assistant["name"],
        **{key: assistant[key] for key in ("description",) if key in assistant},
        "src": assistant["documents"],
        "chunk_tokens": cut,
        "chunk_overlap_tokens": int(assistant.get("chunk_overlap_tokens", min(overlap, cut // 8))),
    }


def _model(assistant: Described, whole: bool) -> dict[str, Any]:
    model: dict[str, Any] = {key: assistant[key] for key in _KEPT if key in assistant}
    if not _present(assistant):
        return model
    if "documents" in assistant:
        model["knowledge"] = [assistant["name"]]
    elif whole:
        model["knowledge"] = []
    # An agent is asked with tools, and searches only when it thinks of it.
    model["function_calling"] = "native" if assistant.get("mode") == "automatic" else "legacy"
    return model


def _present(assistant: Described) -> bool:
    return bool(assistant.get("state", "present") == "present")


def _searches(assistant: Described) -> bool:
    """Whether documents are searched before each answer. An agent searches only when it thinks of it."""
    return "documents" in assistant and assistant.get("mode", "chat") != "automatic"
