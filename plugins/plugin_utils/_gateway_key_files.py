# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy reads of API keys: who each is, what he may do, and which models he may use.

Keys that may use the same models have one grant, which is named after the first of them; routes and lists of models are those of grants.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

UNLIMITED = 1000000

Key = Mapping[str, Any]


def gateway_key_files(
    keys: Iterable[Key], *, models: Iterable[str], valid: Iterable[Key], step_ms: Any, batch_ms: Any
) -> list[dict[str, str]]:
    keys, valid, every_model = list(keys), list(valid), sorted(models)
    grants: dict[tuple[str, ...], str] = {}
    limits = []
    for key in keys:
        granted = tuple(sorted(set(key["models"])) if "models" in key else every_model)
        grant = grants.setdefault(granted, str(key["name"]))
        limits.append(_limits(key, grant, int(step_ms), int(batch_ms)))
    return [
        {
            "path": "keys.map",
            "secret_content": _map(
                "SHA-256 of each text, the name of its key.", (f"{text['sha256']} {text['name']}" for text in valid)
            ),
        },
        _file(
            "ends.map",
            "SHA-256 of each text that ends, the second from which it is not valid any more.",
            (f"{text['sha256']} {text['ends']}" for text in valid if text["ends"] is not None),
        ),
        _file(
            "limits.map",
            "Name of the key, requests under way, requests in a minute, milliseconds that each request under way puts the next one back, milliseconds "
            "that all of\n# them are put back, whether it names the user that it asks for, its grant, whether it is an operator's, and tokens in a day "
            "and in a month,\n# 0 for no limit.",
            limits,
        ),
        _file(
            "listings.map",
            "Name of the grant, what GET /v1/models answers it.",
            (f"{grant} {_listing(granted)}" for granted, grant in grants.items()),
        ),
        _file(
            "routes.map",
            "Name of the grant/model that it has, the backend of that model.",
            (f"{grant}/{model} {model}" for granted, grant in grants.items() for model in granted),
        ),
    ]


def _limits(key: Key, grant: str, step_ms: int, batch_ms: int) -> str:
    words = (
        key["name"],
        key.get("concurrency", UNLIMITED),
        key.get("requests_per_minute", UNLIMITED),
        step_ms // int(key.get("weight", 1)),
        batch_ms if key.get("priority", "interactive") == "batch" else 0,
        "names_users" if key.get("names_users", False) else "-",
        grant,
        "operator" if key.get("operator", False) else "-",
        key.get("tokens_per_day", 0),
        key.get("tokens_per_month", 0),
    )
    return " ".join(str(word) for word in words)


def _listing(models: Iterable[str]) -> str:
    data = [{"id": model, "object": "model", "created": 0, "owned_by": "hearth"} for model in models]
    return json.dumps({"object": "list", "data": data})


def _file(path: str, what: str, lines: Iterable[str]) -> dict[str, str]:
    return {"path": path, "content": _map(what, lines)}


def _map(what: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in ("#", "# Ansible managed", "#", f"# {what}", *lines))
