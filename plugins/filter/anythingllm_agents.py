# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents' skills and where they search, as settings of AnythingLLM."""

from __future__ import annotations

DOCUMENTATION = r"""
name: anythingllm_agents
short_description: Skills and search of AnythingLLM's agents as its settings
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Takes all skills that agents have, and says which of those that are on by themselves have to be switched off, and which others on.
  - Takes a search service with its key and address, and says in which setting of AnythingLLM each of them lies.
options:
  _input:
    description:
      - C(skills), a list of names, or null for those that the server has; C(search_provider), C(search_key), C(search_url) and
        C(search_engine), each of them a text that may be empty.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the settings of a search of one's own
  ansible.builtin.debug:
    msg: "{{ agents | hearth.llm.anythingllm_agents }}"
  vars:
    agents: {skills: [rag-memory, web-browsing], search_provider: searxng-engine, search_url: http://searxng:8080}
"""

RETURN = r"""
_value:
  description: C(preferences), C(settings), C(secrets) for M(hearth.llm.anythingllm_settings), and C(findings), what cannot be.
  type: dict
"""

from collections.abc import Callable, Mapping
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


def anythingllm_agents(given: Mapping[str, Any]) -> dict[str, Any]:
    preferences: dict[str, Any] = {}
    findings: list[str] = []
    skills = given.get("skills")
    if skills is not None:
        unknown = [name for name in skills if name not in (*BY_THEMSELVES, *OTHERS)]
        if unknown:
            findings.append(
                f"agent_skills: AnythingLLM knows no skill {', '.join(unknown)}, and would ignore it. It has {', '.join((*BY_THEMSELVES, *OTHERS))}."
            )
        preferences["disabled_agent_skills"] = [name for name in BY_THEMSELVES if name not in skills]
        preferences["default_agent_skills"] = [name for name in OTHERS if name in skills]
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    provider = given.get("search_provider") or ""
    if provider and provider not in PROVIDERS:
        findings.append(
            f"search_provider: AnythingLLM knows no {provider}, and would search nowhere. It has {', '.join(PROVIDERS)}."
        )
    elif provider:
        preferences["agent_search_provider"] = provider
        for name, place, kept in zip(
            ("search_key", "search_url", "search_engine"),
            PROVIDERS[provider],
            (secrets, settings, settings),
            strict=True,
        ):
            value = given.get(name) or ""
            if place and value:
                kept[place] = value
            elif place and place not in _OPTIONAL:
                findings.append(f"{name}: {provider} needs one. Give it beside search_provider.")
            elif value and not place:
                findings.append(f"{name}: {provider} has none. Remove it, or name the search_provider that it is for.")
    if provider not in ("", "none") and skills is not None and "web-browsing" not in skills:
        findings.append("agent_skills: without web-browsing no agent searches. Add it, or give search_provider: none.")
    return {"preferences": preferences, "settings": settings, "secrets": secrets, "findings": findings}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"anythingllm_agents": anythingllm_agents}
