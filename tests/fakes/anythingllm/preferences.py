# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""System preferences: what makes no sense becomes something else without a word, and what was never set is read as a default.

Seen: AnythingLLM 1.16.0, driven unmodified (lists; `default_system_prompt` is not among what is read; defaults; 0 → 1000, unknown → null).
Source: publicFields, supportedFields and validations in server/models/systemSettings.js; server/endpoints/admin.js.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urlsplit

from fakes.anythingllm import splitter, vectors
from fakes.anythingllm.http import Answer, Request, answer, route
from fakes.anythingllm.workspaces import PROMPT

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

SEARCH = (
    "google-search-engine",
    "serpapi",
    "searchapi",
    "serper-dot-dev",
    "bing-search",
    "baidu-search",
    "serply-engine",
    "searxng-engine",
    "tavily-search",
    "duckduckgo-engine",
    "exa-search",
    "perplexity-search",
)
SKILLS = (
    "default_agent_skills",
    "disabled_agent_skills",
    "disabled_filesystem_skills",
    "disabled_create_files_skills",
    "disabled_gmail_skills",
    "disabled_outlook_skills",
)
# What a manager may read and write.
OF_MANAGERS = ("custom_app_name", "footer_data", "support_email", "meta_page_title", "meta_page_favicon")
PUBLIC = (
    *OF_MANAGERS,
    *SKILLS,
    "text_splitter_chunk_size",
    "text_splitter_chunk_overlap",
    "max_embed_chunk_size",
    "agent_search_provider",
    "memory_enabled",
    "memory_auto_extraction",
)
SUPPORTED = (*(label for label in PUBLIC if label != "max_embed_chunk_size"), "default_system_prompt")


def _number(value: Any) -> float:
    """As JavaScript's Number() sees it."""
    if isinstance(value, str):
        value = value.strip() or 0
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _text(value: Any) -> str:
    """As JavaScript's String() writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _url(value: Any) -> str | None:
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return parts._replace(path=parts.path or "/").geturl()


def _footer(value: Any) -> str:
    try:
        links = [link for link in json.loads(value) if _url(link["url"])]
    except (TypeError, ValueError, KeyError):
        return "[]"
    return json.dumps(links[:3], ensure_ascii=False, separators=(",", ":"))


def _skills(value: Any) -> str:
    return json.dumps([skill for skill in value.split(",") if skill] if isinstance(value, str) else [])


def _prompt(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value else None


KEPT: dict[str, Callable[[Any], str | None]] = {
    "footer_data": _footer,
    "text_splitter_chunk_size": lambda value: _text(_number(value)) if _number(value) > 0 else "1000",
    "text_splitter_chunk_overlap": lambda value: _text(_number(value)) if _number(value) >= 0 else "20",
    "agent_search_provider": lambda value: value if value in SEARCH else None,
    "meta_page_title": lambda value: value if isinstance(value, str) and value else None,
    "meta_page_favicon": lambda value: _url(value) if value else None,
    "default_system_prompt": _prompt,
    "memory_enabled": lambda value: _text(_text(value) == "true"),
    "memory_auto_extraction": lambda value: _text(_text(value) == "true"),
    **dict.fromkeys(SKILLS, _skills),
}


def update(app: Application, wanted: dict[str, Any]) -> None:
    for label, value in wanted.items():
        if label not in SUPPORTED:
            continue
        kept = KEPT[label](value) if label in KEPT else None if value is None else _text(value)
        app.store.set_preference(label, kept)
        if label.startswith("text_splitter_"):
            vectors.forget_all(app)


def _read(app: Application, label: str) -> Any:
    value = app.store.preference(label)
    if label in SKILLS:
        return json.loads(value or "[]")
    if label == "max_embed_chunk_size":
        return splitter.limit(app)
    if label == "text_splitter_chunk_size":
        return value or splitter.limit(app)
    return value or {"footer_data": "[]", "memory_enabled": "false", "memory_auto_extraction": "true"}.get(label)


def _seen(request: Request, labels: tuple[str, ...]) -> tuple[str, ...]:
    manager = request.user is not None and request.user["role"] == "manager"
    return OF_MANAGERS if manager else labels


@route("GET", "/api/admin/system-preferences-for", "staff")
def _preferences(app: Application, request: Request) -> Answer:
    wanted = [label for label in request.query("labels").split(",") if label in _seen(request, PUBLIC)]
    return answer({"settings": {label: _read(app, label) for label in wanted}})


@route("POST", "/api/admin/system-preferences", "staff")
def _by_session(app: Application, request: Request) -> Answer:
    given = request.json()
    update(app, {label: given[label] for label in given if label in _seen(request, SUPPORTED)})
    return answer({"success": True, "error": None})


@route("POST", "/api/v1/admin/preferences", "users")
def _by_key(app: Application, request: Request) -> Answer:
    update(app, request.json())
    return answer({"success": True, "error": None})


@route("GET", "/api/system/default-system-prompt", "session")
def _default_prompt(app: Application, _request: Request) -> Answer:
    """The only way to read it."""
    found = app.store.preference("default_system_prompt") or PROMPT
    return answer({"success": True, "defaultSystemPrompt": found, "saneDefaultSystemPrompt": PROMPT})
