# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Open WebUI server: its API by key, and what its refusals mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import api_of

if TYPE_CHECKING:
    from typing import Callable, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._frontend import Api
    from ansible_collections.hearth.llm.plugins.module_utils._http_response import Response

# Settings are single keys, access is a list of grants, knowledge tells the hashes of its files.
FLOOR = (0, 11)


def connect(params: Mapping[str, Any]) -> Server:
    """The server, which is of a version that is known and takes the key."""
    if not params["api_key"]:
        raise InputError("api_key: there is none. hearth.llm.open_webui_bootstrap makes one.")
    server = Server(api_of(params), seconds=params["timeout"])
    server.check_version()
    return server


class Server:
    """Asks with the key, or with the token of a session where one is given."""

    def __init__(self, api: Api, *, seconds: float = 300) -> None:
        # How long to wait for what the server does by itself.
        self.api, self.seconds = api, seconds
        self.version = ""

    def get(self, path: str, **options: Any) -> Any:
        return _asked(lambda: self.api.get(path, **options))

    def post(self, path: str, payload: Any = None, **options: Any) -> Any:
        return _asked(lambda: self.api.post(path, payload, **options))

    def delete(self, path: str, **options: Any) -> Any:
        return _asked(lambda: self.api.delete(path, **options))

    def upload(self, path: str, name: str, content: bytes, **options: Any) -> Any:
        return _asked(lambda: self.api.upload(path, name, content, quoted=_escaped, **options))

    def send(self, method: str, path: str, **options: Any) -> Response:
        """The answer, still to be read."""
        response: Response = _asked(lambda: self.api.send(method, path, **options))
        return response

    def pages(self, path: str, items: str, **query: Any) -> list[Any]:
        """All of a list that comes in pages."""
        found: list[Any] = []
        page = 1
        while True:
            answer = self.get(path, query={**query, "page": page})
            if not isinstance(answer, dict) or not isinstance(answer.get(items), list):
                raise ProtocolError(
                    f"{self.api.url}{path}: no {items} in the answer. This version may answer otherwise."
                )
            found += answer[items]
            if len(found) >= answer["total"] or not answer[items]:
                return found
            page += 1

    def check_version(self) -> None:
        answer = self.get("/api/version")
        self.version = str(answer.get("version") or "") if isinstance(answer, dict) else ""
        numbers = tuple(int(number) for number in re.findall(r"\d+", self.version)[:2])
        if not numbers:
            raise ProtocolError(f"{self.api.url}/api/version: this is not Open WebUI. Check api_url.")
        if numbers < FLOOR:
            raise ProtocolError(
                f"Open WebUI is {self.version}, and {'.'.join(map(str, FLOOR))} is the oldest that can be configured. Upgrade it."
            )

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.api.close()


def _escaped(name: str) -> str:
    """As mail has it (RFC 822): this server keeps the %22 of browsers in the name."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def segment(name: str) -> str:
    """As one step of a path."""
    return quote(name, safe="")


def detail_of(error: StatusError) -> str:
    """The server's own words. Of input that it refuses only the place and the reason: it repeats the values, too."""
    try:
        detail = json.loads(error.body).get("detail")
    except (ValueError, AttributeError):
        return ""
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(map(str, entry.get('loc', [])))}: {entry.get('msg')}" for entry in detail)
    return str(detail or "").rstrip(".")


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except StatusError as error:
        raise _explained(error) from error


def _explained(error: StatusError) -> StatusError:
    what, detail = error.message.partition(" answered ")[0], detail_of(error)
    if error.status == 401 and _about_the_key(detail):
        text = f"{what}: the server does not know this api_key. hearth.llm.open_webui_bootstrap makes one."
    elif error.status in (401, 403) and "do not have permission" in detail:
        text = (
            f"{what}: the server refuses it to the owner of this api_key ({detail}). Use the key of an administrator."
        )
    elif error.status == 403 and "API key" in detail:
        text = f"{what}: the server takes no API keys ({detail}). Start it with ENABLE_API_KEYS=true, or set auth.enable_api_keys."
    elif detail:
        # Its statuses say little: a name that is taken is 401.
        text = f"{what}: the server refuses it with {error.status} ({detail})."
    else:
        return error
    return StatusError(text, status=error.status, headers=error.headers, body=error.body)


def _about_the_key(detail: str) -> bool:
    return detail in ("Not authenticated", "401 Unauthorized") or detail.startswith("Your session has expired")
