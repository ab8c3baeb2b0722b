# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy reads of API keys: who each is, what he may do, and which models he may use.

Keys that may use the same models have one grant, which is named after the first of them; routes and lists of models are those of grants. What stands for a
model in HAProxy is its identifier, and each name that it may be asked by leads there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier

UNLIMITED = 1000000

Key = Mapping[str, Any]
Models = Mapping[str, Mapping[str, Any]]


def gateway_key_files(
    keys: Iterable[Key], *, models: Models, valid: Iterable[Key], step_ms: Any, batch_ms: Any
) -> list[dict[str, str]]:
    keys, valid, every_model = list(keys), list(valid), sorted(models)
    grants: dict[tuple[str, ...], str] = {}
    limits = []
    for key in keys:
        granted = tuple(sorted(set(key["models"])) if "models" in key else every_model)
        grant = grants.setdefault(granted, str(key["name"]))
        limits.append(f"{_limits(key, int(step_ms), int(batch_ms))} {grant}")
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
            "that all of\n# them are put back, whether it names the user that it asks for, and its grant.",
            limits,
        ),
        _file(
            "listings.map",
            "Name of the grant, what GET /v1/models answers it.",
            (f"{grant} {_listing(granted, models)}" for granted, grant in grants.items()),
        ),
        _file(
            "routes.map",
            "Name of the grant/name that it may ask for, or nothing for a request that names no model; the backend of that model.",
            (
                f"{grant}/{asked} {identifier(name)}"
                for granted, grant in grants.items()
                for name in granted
                for asked in _asked(name, models.get(name, {}))
            ),
        ),
        _file(
            "entries.map",
            "Backend, what GET /v1/models/NAME answers of its model.",
            (f"{identifier(name)} {json.dumps(_entry(name, models[name]))}" for name in every_model),
        ),
    ]


def _limits(key: Key, step_ms: int, batch_ms: int) -> str:
    words = (
        key["name"],
        key.get("concurrency", UNLIMITED),
        key.get("requests_per_minute", UNLIMITED),
        step_ms // int(key.get("weight", 1)),
        batch_ms if key.get("priority", "interactive") == "batch" else 0,
        "names_users" if key.get("names_users", False) else "-",
    )
    return " ".join(str(word) for word in words)


def _asked(name: str, model: Mapping[str, Any]) -> list[str]:
    """Every name by which a request may mean a model."""
    return [name, *(model.get("aliases") or ()), *([""] if model.get("default") is True else [])]


def _listing(names: Iterable[str], models: Models) -> str:
    return json.dumps({"object": "list", "data": [_entry(name, models.get(name, {})) for name in names]})


def _entry(name: str, model: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": "hearth"}
    return {**entry, **({"aliases": list(model["aliases"])} if model.get("aliases") else {})}


def _file(path: str, what: str, lines: Iterable[str]) -> dict[str, str]:
    return {"path": path, "content": _map(what, lines)}


def _map(what: str, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in ("#", "# Ansible managed", "#", f"# {what}", *lines))
