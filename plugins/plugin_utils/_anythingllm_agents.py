# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents' skills and where they search, as settings of AnythingLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# server/utils/agents/defaults.js and aibitat/plugins of AnythingLLM 1.16. An unknown name the server ignores without a word.
BY_THEMSELVES = ("rag-memory", "document-summarizer", "web-scraping")
OTHERS = (
    "web-browsing",
    "create-chart",
    "sql-agent",
    "filesystem-agent",
    "create-files-agent",
    "gmail-agent",
    "outlook-agent",
    "google-calendar-agent",
)
# Where the key, the address and which engine the service asks lie; None where there is none.
PROVIDERS: Mapping[str, tuple[str | None, str | None, str | None]] = {
    "none": (None, None, None),
    "duckduckgo-engine": (None, None, None),
    "searxng-engine": (None, "AgentSearXNGApiUrl", None),
    "serpapi": ("AgentSerpApiKey", None, "AgentSerpApiEngine"),
    "searchapi": ("AgentSearchApiKey", None, "AgentSearchApiEngine"),
    "serper-dot-dev": ("AgentSerperApiKey", None, None),
    "bing-search": ("AgentBingSearchApiKey", None, None),
    "baidu-search": ("AgentBaiduSearchApiKey", None, None),
    "serply-engine": ("AgentSerplyApiKey", None, None),
    "tavily-search": ("AgentTavilyApiKey", None, None),
    "exa-search": ("AgentExaApiKey", None, None),
    "perplexity-search": ("AgentPerplexityApiKey", None, None),
    "brave-search": ("AgentBraveApiKey", None, None),
    "you-search": ("AgentYouApiKey", None, None),
}
_OPTIONAL = ("AgentSerpApiEngine", "AgentSearchApiEngine")


def agents(given: Mapping[str, Any]) -> dict[str, Any]:
    """`preferences` and `settings`, in which settings the key of the search lies (`key_settings`), and what cannot be.

    The key itself is a secret, and not here.
    """
    preferences: dict[str, Any] = {}
    findings: list[str] = []
    skills = given.get("agent_skills")
    if skills is not None:
        unknown = [name for name in skills if name not in (*BY_THEMSELVES, *OTHERS)]
        if unknown:
            findings.append(
                f"agent_skills: AnythingLLM knows no skill {', '.join(unknown)}, and would ignore it. It has {', '.join((*BY_THEMSELVES, *OTHERS))}."
            )
        preferences["disabled_agent_skills"] = [name for name in BY_THEMSELVES if name not in skills]
        preferences["default_agent_skills"] = [name for name in OTHERS if name in skills]
    settings: dict[str, str] = {}
    keys: dict[str, str] = {}
    provider = given.get("search_provider") or ""
    if provider and provider not in PROVIDERS:
        findings.append(
            f"search_provider: AnythingLLM knows no {provider}, and would search nowhere. It has {', '.join(PROVIDERS)}."
        )
    elif provider:
        preferences["agent_search_provider"] = provider
        for name, place, kept in zip(
            ("has_search_key", "search_url", "search_engine"),
            PROVIDERS[provider],
            (keys, settings, settings),
            strict=True,
        ):
            value = given.get(name) or ""
            if place and value:
                kept[place] = value
            elif place and place not in _OPTIONAL:
                findings.append(f"{name.removeprefix('has_')}: {provider} needs one. Give it beside search_provider.")
            elif value and not place:
                findings.append(
                    f"{name.removeprefix('has_')}: {provider} has none. Remove it, or name the search_provider that it is for."
                )
    if provider not in ("", "none") and skills is not None and "web-browsing" not in skills:
        findings.append("agent_skills: without web-browsing no agent searches. Add it, or give search_provider: none.")
    return {"preferences": preferences, "settings": settings, "key_settings": list(keys), "findings": findings}
