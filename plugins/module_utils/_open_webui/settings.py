# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings, by the server's own keys. It stores whatever it is told, unknown keys and wrong types too, so all is judged here before.

What its memory is built from when it starts is not a setting here: the way to engines and to embeddings have addresses of their own.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._open_webui.overlay import overlay
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Kind

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import State

_ELSEWHERE = {
    "openai.": "Give it in connections, or the running server does not take it.",
    "rag.embedding_": "Give it in embedding, or the running server goes on as before.",
    "rag.openai.": "Give it in embedding, or the running server goes on as before.",
    "rag.ollama.": "Give it in embedding, or the running server goes on as before.",
    "rag.reranking_": "Set it in the browser, for the running server does not take it from here.",
    "rag.external_reranker": "Set it in the browser, for the running server does not take it from here.",
    "oauth.": "It is read from the environment at each start, and what is stored would be lost.",
}
_SECRET = re.compile(r"(api_?key|secret|password|_token|subscription_key|intelligence_key)$")
_CHOICES = {"ui.default_user_role": ("pending", "user", "admin")}
_LEAST = {"rag.top_k": 1, "rag.top_k_reranker": 1, "rag.chunk_size": 1, "rag.chunk_overlap": 0}
_CONTEXT = ("{{CONTEXT}}", "[context]")
_BANNER = {"id", "type", "content", "dismissible", "timestamp"}
_DURATION = re.compile(r"-1|0|-?\d+(\.\d+)?(ms|s|m|h|d|w)")


def is_secret(key: str) -> bool:
    return bool(_SECRET.search(key))


def public(config: Mapping[str, Any]) -> dict[str, Any]:
    """What may be shown. What is elsewhere than in settings may hold keys within its values."""
    return {
        key: value
        for key, value in sorted(config.items())
        if not is_secret(key) and not key.endswith((".api_keys", "connections", ".api_configs"))
    }


class Settings(Kind):
    """One thing with many fields, of which only those are read that are named; the others hold secrets."""

    label = "the server's"

    def __init__(
        self, server: Server, config: Mapping[str, Any], named: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> None:
        self._server, self._config = server, config
        self.secret = frozenset(secrets)
        for key in named:
            if is_secret(key):
                raise InputError(f"settings: {key} is a secret. Give it in secrets, so that it is never shown.")
        for key in secrets:
            if not is_secret(key):
                raise InputError(f"secrets: {key} is no secret. Give it in settings, so that its changes are shown.")
        for key, value in {**named, **secrets}.items():
            _check(key, value, config)
        self.wanted: State = {
            key: overlay(config[key], value) if isinstance(config[key], dict) else value
            for key, value in {**named, **secrets}.items()
        }

    def read(self) -> Mapping[str, State]:
        return {"settings": {key: self._config[key] for key in self.wanted}}

    def update(self, _key: str, before: State, fields: State) -> State:
        answer = self._server.post("/api/v1/configs/import", {"config": dict(fields)})
        return {key: answer.get(key) for key in before}


def _check(key: str, value: Any, config: Mapping[str, Any]) -> None:
    for prefix, remedy in _ELSEWHERE.items():
        if key.startswith(prefix):
            raise InputError(f"settings: {key} cannot be set here. {remedy}")
    if key not in config:
        near = difflib.get_close_matches(key, config, n=3)
        raise InputError(
            f"settings: this server has no {key}, and would store it without a word. "
            f"{'Is it ' + ' or '.join(near) + '?' if near else 'hearth.llm.open_webui_info returns all names.'}"
        )
    there = config[key]
    if there is not None and value is not None and _sort_of(value) != _sort_of(there):
        raise InputError(
            f"settings: {key} has to be {_sort_of(there)} and is {_sort_of(value)}. The server would store it, and fail where it reads it."
        )
    if key in _CHOICES and value not in _CHOICES[key]:
        raise InputError(f"settings: {key} cannot be {value}. Give one of {', '.join(_CHOICES[key])}.")
    if key in _LEAST and value < _LEAST[key]:
        raise InputError(
            f"settings: {key} cannot be {value}: the server would store it, and answer without documents. Give {_LEAST[key]} or more."
        )
    if key == "rag.template" and value.strip() and not any(place in value for place in _CONTEXT):
        raise InputError(
            f"settings: rag.template names no {' or '.join(_CONTEXT)}, so that no model would see what was found. Put it where the pieces belong."
        )
    if key == "auth.jwt_expiry" and not _DURATION.fullmatch(value):
        raise InputError(
            f"settings: {key} cannot be {value}. Give a number with ms, s, m, h, d or w, for example 4w, or -1 for ever."
        )
    if key == "ui.banners":
        for banner in value:
            lacking = sorted(_BANNER - set(banner)) if isinstance(banner, dict) else sorted(_BANNER)
            if lacking:
                raise InputError(
                    f"settings: a banner lacks {', '.join(lacking)}, and the server could show none of them."
                )


def _sort_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    for kind, name in (
        (int, "a number"),
        (float, "a number"),
        (str, "a text"),
        (list, "a list"),
        (dict, "a dictionary"),
    ):
        if isinstance(value, kind):
            return name
    return "nothing"
