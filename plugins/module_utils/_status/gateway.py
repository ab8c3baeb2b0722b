# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway says of itself, and how long its certificate lasts. PRIVATE to the collection."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._engine_report import getter
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way


def look(way: Way, key: str | None, seconds: float) -> dict[str, Any]:
    """Nothing that is broken is an error: it is the reason why something is not known."""
    found: dict[str, Any] = {"is_up": False, "reason": "", "certificate_ends": None, "status": None}
    try:
        found["certificate_ends"] = _certificate_ends(way, seconds)
        found["is_up"] = True
        if key:
            found["status"] = _status(getter(way, key, seconds)("/status"))
    except InputError:
        raise
    except HearthError as error:
        hidden = "This gateway tells nobody what its models do (gateway_status: false)."
        found["reason"] = hidden if error.details.get("status") == 404 else error.message
        return found
    if not key:
        found["reason"] = (
            "This controller has no key for the gateway, so what the models do is not known: describe one in hearth_api_keys."
        )
    elif found["status"] is None:
        found["reason"] = (
            f"{way.words}: what GET /status answers is no status of models. Run site.yml with --tags gateway."
        )
    return found


def _certificate_ends(way: Way, seconds: float) -> float | None:
    connection = way.open(seconds)
    try:
        if not isinstance(connection.sock, ssl.SSLSocket):
            return None
        ends = str((connection.sock.getpeercert() or {}).get("notAfter", ""))
    finally:
        connection.close()
    return float(ssl.cert_time_to_seconds(ends)) if ends else None


def _status(text: str) -> dict[str, Any] | None:
    try:
        status = json.loads(text)
    except ValueError:
        return None
    is_one = isinstance(status, dict) and isinstance(status.get("models"), list)
    return dict(status) if is_one else None
