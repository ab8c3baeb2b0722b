# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an engine that runs what it has; what that means stands in `_engines`. PRIVATE to the collection."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Callable

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

Get = Callable[[str], str]


def getter(way: Way, api_key: str | None, seconds: float) -> Get:
    """Asks one engine for the text below a path."""
    return lambda path: _get(way, path, api_key, seconds)


def _get(way: Way, path: str, api_key: str | None, seconds: float) -> str:
    headers = {}
    if api_key:
        hide(api_key)
        check_token("api_key", api_key)
        headers["Authorization"] = f"Bearer {api_key}"
    connection = way.open(seconds)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise HearthError(
            f"GET {path} at {way.words} broke off ({shown(str(error))[:300] or type(error).__name__}). Look at the engine's log."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise HearthError(
            f"GET {path} at {way.words} was answered by {response.status}: {shown(body)[:200]}", status=response.status
        )
    return body
