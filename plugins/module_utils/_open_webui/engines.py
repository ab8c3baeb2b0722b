# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to engines: connections, which serve models, and the one that embeds. Both are forms that are replaced as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State

# Our word → the server's, within a connection's own settings.
_OWN = {"enabled": "enable", "prefix": "prefix_id", "models": "model_ids", "tags": "tags", "type": "connection_type"}
_DEFAULTS: dict[str, Any] = {"enabled": True, "prefix": "", "models": [], "tags": [], "type": "local"}


class Connections(Kind):
    """By address, in the order that they have."""

    label = "connection"
    secret = frozenset({"api_key"})

    def __init__(self, server: Server, config: Mapping[str, Any]) -> None:
        self._server, self._enabled = server, config["openai.enable"]
        own = config["openai.api_configs"]
        self._there: dict[str, dict[str, Any]] = {}
        keys = [*config["openai.api_keys"], *[""] * len(config["openai.api_base_urls"])]
        for index, (url, key) in enumerate(zip(config["openai.api_base_urls"], keys)):
            if address(url) in self._there:
                raise InputError(
                    f"Two connections lead to {url}, so that nobody knows which is meant. Remove one in the browser."
                )
            self._there[address(url)] = {"key": key, "own": own.get(str(index)) or own.get(url) or {}}

    def read(self) -> Mapping[str, State]:
        return {url: _connection(raw) for url, raw in self._there.items()}

    def create(self, key: str, wanted: State) -> State:
        self._there[key] = {"key": "", "own": {theirs: _DEFAULTS[ours] for ours, theirs in _OWN.items()}}
        return self.update(key, {}, wanted)

    def update(self, key: str, _before: State, fields: State) -> State:
        there = self._there[key]
        own = {**there["own"], **{theirs: fields[ours] for ours, theirs in _OWN.items() if ours in fields}}
        self._there[key] = {"key": fields.get("api_key", there["key"]), "own": own}
        return self._write(key)

    def delete(self, key: str, _before: State) -> None:
        del self._there[key]
        self._write(None)

    def _write(self, key: str | None) -> State:
        answer = self._server.post(
            "/openai/config/update",
            {
                "ENABLE_OPENAI_API": self._enabled or bool(self._there),
                "OPENAI_API_BASE_URLS": list(self._there),
                "OPENAI_API_KEYS": [raw["key"] for raw in self._there.values()],
                "OPENAI_API_CONFIGS": {str(index): raw["own"] for index, raw in enumerate(self._there.values())},
            },
        )
        if key is None:
            return {}
        index = answer["OPENAI_API_BASE_URLS"].index(key)
        return _connection({"key": answer["OPENAI_API_KEYS"][index], "own": answer["OPENAI_API_CONFIGS"][str(index)]})


def address(url: str) -> str:
    return url.rstrip("/")


def _connection(raw: Mapping[str, Any]) -> State:
    return {
        "api_key": raw["key"],
        **{
            ours: _DEFAULTS[ours] if raw["own"].get(theirs) is None else raw["own"][theirs]
            for ours, theirs in _OWN.items()
        },
    }


class Embedding(Kind):
    """One way for all. After a change of the model what was embedded before is found by nobody, so all is embedded anew."""

    label = "the"
    secret = frozenset({"api_key"})

    def __init__(self, server: Server, config: Mapping[str, Any]) -> None:
        self._server, self._config = server, config
        self.reindexed = False

    def read(self) -> Mapping[str, State]:
        engine = self._config["rag.embedding_engine"]
        return {
            "embedding": {
                "engine": engine,
                "model": self._config["rag.embedding_model"],
                "url": self._config.get(f"rag.{engine}.{_URL.get(engine)}", ""),
                "api_key": self._config.get(f"rag.{engine}.api_key", ""),
                "batch_size": self._config["rag.embedding_batch_size"],
                "concurrent_requests": self._config["rag.embedding_concurrent_requests"],
            }
        }

    def update(self, _key: str, before: State, fields: State) -> State:
        state = {**before, **fields}
        engine = state["engine"]
        way = f"{engine}_config"
        answer = self._server.post(
            "/api/v1/retrieval/embedding/update",
            {
                "RAG_EMBEDDING_ENGINE": engine,
                "RAG_EMBEDDING_MODEL": state["model"],
                "RAG_EMBEDDING_BATCH_SIZE": state["batch_size"],
                "ENABLE_ASYNC_EMBEDDING": self._config["rag.enable_async_embedding"],
                "RAG_EMBEDDING_CONCURRENT_REQUESTS": state["concurrent_requests"],
                way: {"url": state["url"], "key": state["api_key"]},
            },
        )
        if {"engine", "model"} & set(fields) and self._server.get("/api/v1/knowledge/")["total"]:
            self._server.post("/api/v1/knowledge/reindex")
            self.reindexed = True
        return {
            "engine": answer["RAG_EMBEDDING_ENGINE"],
            "model": answer["RAG_EMBEDDING_MODEL"],
            "url": answer[way]["url"],
            "api_key": answer[way]["key"],
            "batch_size": answer["RAG_EMBEDDING_BATCH_SIZE"],
            "concurrent_requests": answer["RAG_EMBEDDING_CONCURRENT_REQUESTS"],
        }


# What the server calls the address of each engine.
_URL = {"openai": "api_base_url", "ollama": "base_url"}
