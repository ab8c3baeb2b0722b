# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client meets: the name, the way, the certificate, the gateway, the key, the models, the pages. What lies behind something broken is not asked."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._completion.ask import Question, ask
from ansible_collections.hearth.llm.plugins.module_utils._diagnosis.sign import Sign
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide, shown
from ansible_collections.hearth.llm.plugins.module_utils._secrets import check_token
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError, Way

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

_DAY_SECONDS = 86400
# A certificate that ends sooner should have been renewed.
_CERTIFICATE_DAYS = 14
_AT_ONCE = 8
_LAYER_OF_STAGE = {"resolve": "name", "connect": "route", "tls": "TLS"}
_REMEDIES = {
    "name": "Check the name and the DNS of this controller, or write the host's address as hearth_connect_to.",
    "route": "Look whether the gateway runs, and which firewalls are between.",
    "TLS": "Run site.yml with --tags certificates,gateway from the controller that has the secrets, and check the clocks of both hosts.",
    "gateway": "Look at the gateway's log.",
}
# States of GET /status that keep a model from answering, with what to do.
_SICK = {
    "failed": "Look at the log of its engine.",
    "unreachable": "Its engine is starting, or down.",
}
PROMPT = "Say in one short sentence that you are ready."


def look(
    way: Way, key: str | None, models: Sequence[Mapping[str, str]], pages: Sequence[str], seconds: float
) -> list[Sign]:
    signs = list(_way_in(way, seconds))
    if any(sign.wrong for sign in signs):
        return signs
    if key:
        signs += _behind_the_key(way, key, models, seconds)
    signs += [_page(way, page, seconds) for page in pages]
    return signs


def _way_in(way: Way, seconds: float) -> Iterator[Sign]:
    try:
        connection = way.open(seconds)
    except ProbeError as error:
        layer = _LAYER_OF_STAGE.get(error.stage, "gateway")
        for before in ("name", "route", "TLS")[: ("name", "route", "TLS").index(layer)]:
            yield Sign(before, way.words)
        # What the question says of a remedy is in its own options.
        yield Sign(layer, way.words, wrong=f"{error.message.partition('. ')[0].rstrip('.')}. {_REMEDIES[layer]}")
        return
    with_tls = isinstance(connection.sock, ssl.SSLSocket)
    ends = connection.sock.getpeercert() or {} if isinstance(connection.sock, ssl.SSLSocket) else {}
    connection.close()
    yield Sign("name", way.name)
    yield Sign("route", way.words)
    if with_tls:
        yield Sign("TLS", way.name, warning=_ends_soon(way, str(ends.get("notAfter", ""))))


def _ends_soon(way: Way, ends: str) -> str:
    left = (ssl.cert_time_to_seconds(ends) - time.time()) / _DAY_SECONDS if ends else _CERTIFICATE_DAYS
    if left >= _CERTIFICATE_DAYS:
        return ""
    return f"The certificate of {way.name} ends in {left:.0f} days, and nobody has renewed it: run site.yml with --tags certificates,gateway."


def _behind_the_key(way: Way, key: str, models: Sequence[Mapping[str, str]], seconds: float) -> Iterator[Sign]:
    hide(key)
    check_token("api_key", key)
    status, text = _get(way, f"{way.parts.path}/models", key, seconds)
    if status == 401:
        yield Sign("gateway", way.words)
        yield Sign(
            "key",
            way.words,
            wrong="The gateway does not know this controller's key: run site.yml with --tags gateway, from the controller that has its secrets.",
        )
        return
    offered = _offered(text) if status == 200 else None
    if offered is None:
        yield Sign(
            "gateway",
            way.words,
            wrong=f"{way.words}/models is answered by {status}: {shown(text)[:200]} Look at the gateway's log.",
        )
        return
    yield Sign("gateway", way.words)
    yield Sign("key", way.words)
    states = _states(way, key, seconds)
    asked = [model for model in models if model["model"] in offered]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(
            zip((model["model"] for model in asked), pool.map(lambda model: _asked(way, key, model, seconds), asked))
        )
    for model in models:
        name = model["model"]
        if name not in offered:
            yield Sign(
                "model",
                name,
                wrong=f"{name} is described, and the gateway does not offer it to this key: run site.yml with --tags engines,gateway.",
            )
        else:
            yield Sign("model", name, wrong=answers[name])
    for name in sorted(offered - {model["model"] for model in models}):
        # Asking would load it, and unload another one.
        state, why = states.get(name, ("unknown", ""))
        yield Sign(
            "model", name, wrong=f"{name} is {state}. {why} {_SICK[state]}".replace("  ", " ") if state in _SICK else ""
        )


def _asked(way: Way, key: str, model: Mapping[str, str], seconds: float) -> str:
    question = Question(way, model["model"], PROMPT, max_tokens=16, api_key=key, task=model.get("task", "chat"))
    try:
        ask(question, seconds=seconds, silence=seconds, clock=time.monotonic)
    except ProbeError as error:
        # That an answer goes on is no fault.
        return (
            ""
            if error.stage == "generation" and "Raise timeout" in error.message
            else f"{model['model']}: {error.message}"
        )
    return ""


def _page(way: Way, url: str, seconds: float) -> Sign:
    there = Way(url, connect_to=way.connect_to, ca_path=way.ca_path)
    try:
        status, _text = _get(there, there.parts.path or "/", "", seconds)
    except ProbeError as error:
        return Sign("page", url, wrong=error.message)
    return Sign(
        "page", url, wrong=f"{url} is answered by {status}: look at the log of its frontend." if status >= 500 else ""
    )


def _states(way: Way, key: str, seconds: float) -> dict[str, tuple[str, str]]:
    """What the gateway says of each model; nothing where it does not say it."""
    status, text = _get(way, "/status", key, seconds)
    try:
        models = json.loads(text)["models"] if status == 200 else []
        return {str(model["name"]): (str(model["state"]), shown(str(model.get("why") or ""))) for model in models}
    except (KeyError, TypeError, ValueError):
        return {}


def _offered(text: str) -> set[str] | None:
    try:
        return {str(model["id"]) for model in json.loads(text)["data"]}
    except (KeyError, TypeError, ValueError):
        return None


def _get(way: Way, path: str, key: str, seconds: float) -> tuple[int, str]:
    connection = way.open(seconds)
    headers: dict[str, Any] = {"Host": way.parts.netloc, "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise ProbeError(
            "request",
            f"GET {path} at {way.words} broke off ({shown(str(error))[:200] or type(error).__name__})",
            heals=True,
        ) from error
    finally:
        connection.close()
