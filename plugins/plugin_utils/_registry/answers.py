# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries answer, read with suspicion, and in words where it is no answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._http import Response, safe_url
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import Reference


def as_json(response: Response, body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body.decode("utf-8"))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ProtocolError(
            f"{where(response)} answered {response.status} with {response.content_type or 'no content type'}, not with JSON. "
            "Check that the address is that of a registry, and that no proxy or login page answers in its place."
        )
    return told


def refuse_errors(response: Response, told: Mapping[str, Any]) -> None:
    """Some gateways in front of registries say 200 to everything."""
    errors = told.get("errors")
    if errors:
        first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
        words = " ".join(str(first.get(name) or "") for name in ("code", "message")).strip()
        raise ProtocolError(
            f"{where(response)} answered {response.status} with an error: {words or 'of no name'}. Ask its owner, or name another image."
        )


def refused(reference: Reference, url: str, status: int) -> HearthError:
    return HearthError(
        f"{safe_url(url)} does not let {reference.name} be read ({status}): run 'docker login {reference.registry}' as this user, "
        "or name user and password in hearth_registries; a registry says the same of an image that it does not have."
    )


def explained(reference: Reference, url: str, error: StatusError) -> HearthError:
    if error.status == 404:
        what = reference.digest or f"tag {reference.tag}"
        return HearthError(
            f"{safe_url(url)} answered 404: {reference.name} has no {what} there. "
            "Correct the variable that names the image, or push it to its registry."
        )
    if error.status == 403:
        return refused(reference, url, 403)
    if error.status == 429:
        return HearthError(
            f"{safe_url(url)} answered 429: too many questions of this address. Run 'docker login {reference.registry}' as this user, "
            "name a mirror in hearth_registries, or ask again later."
        )
    return error


def damaged(response: Response, promised: str, came: str) -> ProtocolError:
    return ProtocolError(
        f"{where(response)} was to have the digest {promised}, and what came has {came}: somebody on the way has changed it, "
        "or the registry is damaged. Ask again, and without a mirror where there is one."
    )


def where(response: Response) -> str:
    return f"{response.method} {safe_url(response.url)}"
