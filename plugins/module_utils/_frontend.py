# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a frontend's API: one base address, one key, JSON in and out. What a product answers, and how it is wrong, its own client knows."""

from __future__ import annotations

import json
import mimetypes
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError, ProtocolError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url

if TYPE_CHECKING:
    from typing import Callable, Container, Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._http_response import Response
    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule

_SPOKEN_BYTES = 16384


def connection_spec() -> dict[str, Any]:
    """The options of the documentation fragment hearth.llm.frontend."""
    return {
        "api_url": {"type": "str", "required": True},
        "api_key": {"type": "str", "no_log": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 300},
    }


def api_of(params: Mapping[str, Any]) -> Api:
    """The API that these options lead to."""
    if params["timeout"] <= 0:
        raise InputError(f"timeout: {params['timeout']} is no time to wait. Give a positive number of seconds.")
    client = Client(ca_path=params["ca_path"], read_seconds=params["timeout"])
    return Api(params["api_url"], client=client, token=params["api_key"])


def asking(
    connect: Callable[[Mapping[str, Any]], Any], run: Callable[..., Mapping[str, Any]]
) -> Callable[[HearthModule], dict[str, Any]]:
    """The work of a module that asks one server: what `run` tells, and what it has cost."""

    def work(module: HearthModule) -> dict[str, Any]:
        with connect(module.params) as server:
            return {**run(module.params, server, check_mode=module.check_mode), **server.api.costs()}

    return work


class Api:
    """Requests to one server. `requests` and `writes` count them: what a run costs is part of what a module returns."""

    def __init__(self, url: str, *, client: Client, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self.requests = self.writes = 0
        self._client = client

    def get(self, path: str, **options: Any) -> Any:
        return self.json("GET", path, **options)

    def post(self, path: str, payload: Any = None, **options: Any) -> Any:
        return self.json("POST", path, payload=payload, **options)

    def delete(self, path: str, payload: Any = None, **options: Any) -> Any:
        return self.json("DELETE", path, payload=payload, **options)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The answer as JSON. A page of HTML with status 200 is what single-page applications answer to a path that they do not know."""
        with self.send(method, path, **options) as response:
            if response.content_type != "application/json":
                words = shown(response.read(_SPOKEN_BYTES).decode("utf-8", "replace")).strip()[:200]
                raise ProtocolError(
                    f"{method} {safe_url(self.url + path)} answered {response.status} with {response.content_type or 'no content type'}, not with JSON"
                    f"{': ' + words if words and response.content_type == 'text/plain' else ''}. "
                    "Check api_url, and that the server's version is one that this module supports."
                )
            return response.json()

    def text(self, method: str, path: str, **options: Any) -> str:
        with self.send(method, path, **options) as response:
            return response.read(1 << 20).decode("utf-8", "replace")

    def send(
        self,
        method: str,
        path: str,
        *,
        payload: Any = None,
        query: Mapping[str, Any] | None = None,
        expect: Container[int] = (200,),
        token: str | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        attempts: int | None = None,
    ) -> Response:
        """The answer, still to be read, when its status is expected; else StatusError with the server's own words."""
        self.requests += 1
        self.writes += method not in ("GET", "HEAD")
        headers = {"Accept": "application/json"}
        if payload is not None:
            body = json.dumps(payload).encode("utf-8")
        if body is not None:
            headers["Content-Type"] = content_type
        url = f"{self.url}{path}{'?' + urlencode(query) if query else ''}"
        return self._client.request(
            method,
            url,
            headers=headers,
            body=body,
            token=self.token if token is None else token,
            expect=expect,
            redirects=False,
            attempts=attempts,
        )

    def upload(
        self,
        path: str,
        name: str,
        content: bytes,
        *,
        fields: Mapping[str, str] | None = None,
        quoted: Callable[[str], str] | None = None,
        **options: Any,
    ) -> Any:
        """Sends one file as a form (RFC 7578), and reads JSON. `quoted` writes its name where a server does not read it as browsers write it."""
        boundary = f"hearth{uuid.uuid4().hex}"
        body = b"".join(
            [
                *(
                    _part(boundary, f'name="{field}"', "text/plain; charset=utf-8", value.encode("utf-8"))
                    for field, value in (fields or {}).items()
                ),
                _part(boundary, f'name="file"; filename="{(quoted or _quoted)(name)}"', _type_of(name), content),
                f"--{boundary}--\r\n".encode("ascii"),
            ]
        )
        return self.json("POST", path, body=body, content_type=f"multipart/form-data; boundary={boundary}", **options)

    def costs(self) -> dict[str, dict[str, int]]:
        """How often the server was asked: part of what every module of a frontend returns."""
        return {"requests": {"total": self.requests, "writes": self.writes}}

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _part(boundary: str, disposition: str, kind: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode("utf-8") + content + b"\r\n"


def _quoted(name: str) -> str:
    """As browsers write a file's name in a form: WHATWG, multipart/form-data encoding algorithm."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _type_of(name: str) -> str:
    if name.endswith(".md"):
        return "text/markdown"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
