# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hub has that is newer than the commits of the file of models, which stay until somebody takes them out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, is_loopback
from ansible_collections.hearth.llm.plugins.module_utils._hub import SOURCE
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.table import Row


def newer(
    sources: Iterable[str], known: Mapping[str, Any], endpoint: str, token: str, client: Client
) -> tuple[list[Row], list[str]]:
    """The rows, and why somebody could not be asked. A source that names its commit means that one."""
    if token and urlsplit(endpoint).scheme == "http" and not is_loopback(endpoint):
        raise InputError(
            f"The token would go in clear text to {endpoint}: use https for lock_hub_endpoint, or give no lock_hub_token."
        )
    rows: list[Row] = []
    findings: list[str] = []
    for source in sorted(sources):
        found = SOURCE.match(source)
        commit = str((known.get(source) or {}).get("revision") or "")
        revision = unquote((found and found["revision"]) or "main")
        if not found or not commit or revision == commit:
            continue
        url = f"{endpoint}/api/models/{found['repository']}/revision/"
        try:
            new, at = _asked(client, url + quote(revision, safe=""), token)
            if new and new != commit:
                rows.append(Row("model", source, commit[:12], _asked(client, url + commit, token)[1], new[:12], at))
        except HearthError as error:
            findings.append(error.message)
    return rows, findings


def _asked(client: Client, url: str, token: str) -> tuple[str, str]:
    told = client.json("GET", url, token=token or None)
    told = told if isinstance(told, dict) else {}
    return str(told.get("sha") or ""), str(told.get("lastModified") or "")
