# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of HAProxy's configuration follows from models, sites and waits. Keys are thousands, and are not here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import FIRST_REQUEST, PATHS
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier, instance
from ansible_collections.hearth.llm.plugins.plugin_utils._acme_thumbprint import thumbprint

Described = Mapping[str, Any]
# How long it is remembered which of several instances has read a conversation, where none of them is ever unloaded. Caches have room for few.
_REMEMBERED_SECONDS = 3600
# Longer requests are few, for each is in memory whole.
_LONG_BYTES = 1048576


def plan(given: Described) -> dict[str, Any]:
    sites = given["sites"]
    backends: dict[str, dict[str, Any]] = {
        identifier(name): {
            **{key: value for key, value in model.items() if key not in ("hosts", "slots_of_hosts")},
            "served": name,
            "paths": _paths(model),
            "servers": _servers(model),
        }
        for name, model in sorted(given["models"].items())
    }
    deadline = int(given["answer_deadline_seconds"])
    deadlines = {name: int(model.get("answer_deadline_seconds", deadline)) for name, model in backends.items()}
    domains = [(domain, name) for name, site in sorted(sites.items()) for domain in site["domains"]]
    shared_out = sorted(name for name, model in backends.items() if len(_hosts(model)) > 1)
    fetched = sorted(name for name, model in backends.items() if model.get("load") == FIRST_REQUEST)
    several = [name for name, model in backends.items() if len(model["servers"]) > 1]
    account_key = given["acme_account_key_file"]
    return {
        "backends": backends,
        # What no model is for does not exist.
        "paths": sorted({path for model in backends.values() for path in model["paths"]}),
        "long_bytes": _LONG_BYTES,
        "deadlines": deadlines,
        # Those that are fetched on their first request.
        "fetched": fetched,
        # Those with several instances, and how long it is of use to know which of them has read a conversation.
        "several": {name: int(backends[name].get("idle_unload_seconds", _REMEMBERED_SECONDS)) for name in several},
        # Those that several hosts serve: each of them may be away.
        "shared_out": shared_out,
        # Whether the engines are asked what they have loaded though nobody looks.
        "looks": bool(shared_out),
        "several_map": _lines(
            "# Name of a backend, how many instances its model has.",
            *(f"{name} {len(backends[name]['servers'])}" for name in several),
        ),
        "longest_seconds": max([int(given["answer_timeout_seconds"]), *deadlines.values()]),
        "served_map": _lines(
            "# Name of a backend, what its engine calls the model.",
            *(f"{name} {model['served']}" for name, model in backends.items()),
        ),
        "longest_map": _lines(
            "# Name of a backend, tokens of the longest answer of its model.",
            *(
                f"{name} {model['max_output_tokens']}"
                for name, model in backends.items()
                if "max_output_tokens" in model
            ),
        ),
        "asked_map": _lines(
            "# Name of a backend, whose engine tells a stream only when it is asked what it has counted.",
            *(f"{name} yes" for name, model in backends.items() if not model.get("says_usage", False)),
        ),
        "turns": _turns(int(given["queue_timeout_seconds"]) * 1000),
        "user_headers": sorted({one.user_header for one in frontends().values() if one.user_header}),
        # A token with this behind it is the answer to a challenge, whatever the token. A dry run on a virgin controller has no key.
        "acme_thumbprint": thumbprint(account_key) if account_key and Path(account_key).is_file() else "",
        # Whoever is in the network of the containers reaches the gateway by the names that its certificate is for.
        "names": list(dict.fromkeys([given["domain"], *(domain for domain, _site in domains)])),
        "sites_map": _lines(
            "# Name that a client asks for, the backend of the site.",
            *(f"{domain.lower()} site_{name}" for domain, name in domains),
        ),
    }


def _paths(model: Described) -> list[str]:
    """What a model is for: as described, or what its task is. One of which nothing is said may be anything but a reranker."""
    task = model.get("task")
    return list(model.get("paths") or (PATHS[task] if task else [*PATHS["chat"], *PATHS["embedding"]]))


def _servers(model: Described) -> dict[str, dict[str, Any]]:
    """What HAProxy calls the instances of a model, each with its address, its host where hosts are told apart, and its slots."""
    addresses = model["addresses"]
    servers: dict[str, dict[str, Any]] = {}
    for address, host in zip(addresses, model.get("hosts") or [""] * len(addresses), strict=True):
        number = 1 + sum(server["host"] == host for server in servers.values())
        called = instance(identifier(host) if host else "engine", number)
        slots = model.get("slots_of_hosts", {}).get(host, model.get("slots"))
        servers[called] = {"address": str(address), "host": host, "slots": None if slots is None else int(slots)}
    return servers


def _hosts(model: Described) -> set[str]:
    return {server["host"] for server in model["servers"].values()}


def _turns(longest_wait_ms: int) -> dict[str, int]:
    """What each request that somebody has under way puts his next one back, the most that this may be, and what batch keys are put back. Together they are
    less than the longest wait: everybody's turn comes in time."""
    return {"step_ms": longest_wait_ms // 16, "latest_ms": longest_wait_ms // 2, "batch_ms": longest_wait_ms // 4}


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
