# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AnythingLLM server: its API by key, and what its refusals mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._frontend import api_of

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._frontend import Api

# Keys have names, chats are automatic, and documents keep the metadata that they come with.
FLOOR = (1, 12, 1)


def connect(params: Mapping[str, Any]) -> Server:
    return Server(api_of(params))


class Server:
    """Asks with the key, or with the token of a session where one is given."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, path: str, **options: Any) -> Any:
        return self._ask(path, lambda: self.api.get(path, **options))

    def post(self, path: str, payload: Any, **options: Any) -> Any:
        return self._ask(path, lambda: self.api.post(path, payload, **options))

    def delete(self, path: str, payload: Any = None, **options: Any) -> Any:
        return self._ask(path, lambda: self.api.delete(path, payload, **options))

    def text(self, method: str, path: str, **options: Any) -> str:
        """For the answers that are a word: OK."""
        answer: str = self._ask(path, lambda: self.api.text(method, path, **options))
        return answer

    def upload(self, path: str, name: str, content: bytes, **options: Any) -> Any:
        return self._ask(path, lambda: self.api.upload(path, name, content, **options))

    def _ask(self, path: str, ask: Any) -> Any:
        try:
            return ask()
        except StatusError as error:
            raise _explained(path, error) from error

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.api.close()


def _explained(path: str, error: StatusError) -> HearthError:
    """The few refusals whose cause the server does not tell."""
    what = error.message.partition(" answered ")[0]
    if error.status == 403 and "api key" in error.body:
        text = f"{what}: the server does not know this api_key. hearth.llm.anythingllm_bootstrap makes one."
    elif error.status == 401 and path.startswith("/api/v1/admin/"):
        text = (
            f"{what}: users, members and preferences by key are there in multi-user mode only, and this server is in single-user mode. "
            "Set multi_user in hearth.llm.anythingllm_bootstrap."
        )
    elif error.status == 500 and error.body.strip() == "Internal Server Error":
        text = f"{error.message} The reason is in the log of the container."
    else:
        return error
    return StatusError(text, status=error.status, headers=error.headers, body=error.body)


def segment(name: str) -> str:
    """As one step of a path."""
    return quote(name, safe="")


def check_version(metrics: Mapping[str, Any]) -> str:
    """The version, where the server says it; ProtocolError where it is too old."""
    version = str(metrics.get("appVersion") or "")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if numbers and numbers < FLOOR:
        floor = ".".join(str(number) for number in FLOOR)
        raise ProtocolError(
            f"AnythingLLM is {version}, and {floor} is the oldest that can be configured. Upgrade its image."
        )
    return version
