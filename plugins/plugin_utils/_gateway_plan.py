# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of HAProxy's configuration follows from models, sites and waits. Keys are thousands, and are not here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._engines._contract import FIRST_REQUEST
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils._acme_thumbprint import thumbprint
from ansible_collections.hearth.llm.plugins.plugin_utils._gateway_patterns import body_pattern

Described = Mapping[str, Any]
# By which a request says how long its answer may be, and how many answers it wants.
_LONGEST = ("max_tokens", "max_completion_tokens", "n_predict")
_ANSWERS = ("n", "n_cmpl", "best_of")


def plan(given: Described) -> dict[str, Any]:
    models, sites = given["models"], given["sites"]
    deadline = int(given["answer_deadline_seconds"])
    deadlines = {name: int(model.get("answer_deadline_seconds", deadline)) for name, model in models.items()}
    domains = [(domain, name) for name, site in sorted(sites.items()) for domain in site["domains"]]
    account_key = given["acme_account_key_file"]
    return {
        # Only where a model ranks documents is /v1/rerank there.
        "ranks": any(model.get("task") == "rerank" for model in models.values()),
        "deadlines": deadlines,
        # Those that are fetched on their first request.
        "fetched": sorted(name for name, model in models.items() if model.get("load") == FIRST_REQUEST),
        "longest_seconds": max([int(given["answer_timeout_seconds"]), *deadlines.values()]),
        "longest_answers": {
            name: {field: body_pattern([field], int(model["max_output_tokens"])) for field in _LONGEST}
            for name, model in models.items()
            if "max_output_tokens" in model
        },
        "one_answer": body_pattern(_ANSWERS, 1),
        "one_model": body_pattern(["model"]),
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


def _turns(longest_wait_ms: int) -> dict[str, int]:
    """What each request that somebody has under way puts his next one back, the most that this may be, and what batch keys are put back. Together they are
    less than the longest wait: everybody's turn comes in time."""
    return {"step_ms": longest_wait_ms // 16, "latest_ms": longest_wait_ms // 2, "batch_ms": longest_wait_ms // 4}


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
