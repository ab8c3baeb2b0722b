# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway tells clients and people of its models and hosts: models.json, which lies with HAProxy's other files.

A run that plans no models, as one of the gateway alone, knows nothing of their contexts and headers. What such a run does not know stays as it was
deployed, and so does the moment from which on a model was served.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier

Record = Mapping[str, Any]

# What a header says of a model, as the role fit publishes it.
FACTS = ("parameters", "trained_context_tokens", "sees")


def known_models(
    backends: Mapping[str, Record],
    *,
    contexts: Mapping[str, Any],
    facts: Mapping[str, Record],
    hosts: Iterable[Record],
    deployed: str,
    now: Any,
) -> dict[str, Any]:
    """`deployed` is the text of the models.json that the gateway has now, empty where it has none."""
    before = _read(deployed)
    hosts_before = {str(host["name"]): host for host in before.get("hosts", [])}
    models_before = before.get("models", {})
    engines = _engines(backends)
    return {
        "models": {
            model["served"]: {
                "task": "chat",
                **_facts(
                    models_before.get(model["served"], {}),
                    facts.get(model["served"], {}),
                    contexts.get(model["served"]),
                ),
                **{key: value for key, value in model.items() if key not in ("addresses", "servers", "served")},
                # What it is called in HAProxy's configuration.
                "id": backend,
                "engines": [engines[str(address)] for address in model["addresses"]],
                # In the same order: what HAProxy calls each of them, with its host and its slots.
                "servers": [
                    {"name": name, "host": server["host"], "mark": identifier(server["host"]), "slots": server["slots"]}
                    for name, server in model.get("servers", {}).items()
                ],
                "created": models_before.get(model["served"], {}).get("created", int(now)),
            }
            for backend, model in backends.items()
        },
        "hosts": [{**hosts_before.get(str(host["name"]), {}), **host} for host in hosts],
        # By what the server is called in HAProxy: several models may have one engine.
        "engines": {name: address for address, name in engines.items()},
    }


def _facts(before: Record, found: Record, context: Any) -> dict[str, Any]:
    known = {**before, **found, **({"context_length": int(context)} if context else {})}
    return {key: known[key] for key in ("context_length", *FACTS) if known.get(key) is not None}


def _engines(backends: Mapping[str, Record]) -> dict[str, str]:
    """Addresses, each with the instance of a backend that is the first to be served there. No model's name has a colon."""
    engines: dict[str, str] = {}
    for backend, model in sorted(backends.items()):
        for number, address in enumerate(model["addresses"], 1):
            engines.setdefault(str(address), backend if number == 1 else f"{backend}:{number}")
    return engines


def _read(text: str) -> Record:
    """None where it is not ours: it was cut short, or is of another version."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, Mapping) else {}
