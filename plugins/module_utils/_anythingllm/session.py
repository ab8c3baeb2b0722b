# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API that the server's own pages use: open, behind one password, or behind users. A key is made here, and little else needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
)

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server

OPEN, PASSWORD, MULTI_USER = "open", "password", "multi_user"


def mode_of(settings: Mapping[str, Any]) -> str:
    """How the server says that one gets in."""
    if settings.get("MultiUserMode"):
        return MULTI_USER
    return PASSWORD if settings.get("RequiresAuth") else OPEN


def public_settings(server: Server) -> dict[str, Any]:
    """What the server tells everybody."""
    answer = server.get("/api/setup-complete")
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), dict):
        raise ProtocolError(f"{server.api.url}/api/setup-complete: no settings in the answer. Is this AnythingLLM?")
    return dict(answer["results"])


def lets_everybody_in(server: Server) -> bool:
    """Asked without any credential: AUTH_TOKEN without JWT_SECRET looks closed, and is open."""
    try:
        server.api.text("GET", "/api/system/check-token", token="")
    except StatusError as error:
        if error.status in (401, 403):
            return False
        raise
    return True


class Session:
    """Logs in when the first thing is asked, once. A first login burns a user's recovery codes: they are kept here."""

    def __init__(self, server: Server, mode: str, *, username: str | None = None, password: str | None = None) -> None:
        self.server, self.mode = server, mode
        self._username, self._password = username, password
        self._token: str | None = None
        self.recovery_codes: list[str] = []

    def check(self, purpose: str) -> None:
        """Refuses, before anything is asked, what cannot be done without a login."""
        if self.mode == PASSWORD and not self._password:
            raise InputError(f"{purpose} needs the server's password (its AUTH_TOKEN). Give password.")
        if self.mode == MULTI_USER and not (self._username and self._password):
            raise InputError(
                f"{purpose} needs the login of an administrator in multi-user mode. Give username and password."
            )

    @property
    def token(self) -> str:
        """Empty where nobody is asked for one."""
        if self.mode == OPEN:
            return ""
        if self._token is None:
            self._token = self._login()
        return self._token

    def api_keys(self) -> list[dict[str, Any]]:
        answer = self.server.get(f"/api/{self._part}/api-keys", token=self.token)
        if answer.get("error") or not isinstance(answer.get("apiKeys"), list):
            raise ProtocolError(
                f"The server does not list its API keys ({answer.get('error')}). Is the user an administrator?"
            )
        return list(answer["apiKeys"])

    def make_key(self, name: str) -> dict[str, Any]:
        answer = self.server.post(f"/api/{self._part}/generate-api-key", {"name": name}, token=self.token)
        if answer.get("error") or not answer.get("apiKey"):
            raise ProtocolError(
                f"The server made no API key {name} ({answer.get('error')}). Is the user an administrator?"
            )
        return dict(answer["apiKey"])

    def remove_key(self, number: int) -> None:
        path = f"/api/admin/delete-api-key/{number}" if self.mode == MULTI_USER else f"/api/system/api-key/{number}"
        self.server.text("DELETE", path, token=self.token)

    @property
    def _part(self) -> str:
        return "admin" if self.mode == MULTI_USER else "system"

    def _login(self) -> str:
        self.check("This")
        wanted = {"password": self._password}
        if self.mode == MULTI_USER:
            wanted["username"] = self._username
        try:
            answer = self.server.post("/api/request-token", wanted, token="")
        except StatusError as error:
            if error.status == 401:
                raise HearthError(
                    "The server refuses the password. It is the AUTH_TOKEN that the container was started with."
                ) from error
            if error.status == 500:
                raise HearthError(
                    "The server cannot log anybody in (500). Does the container have JWT_SECRET? Without it, and without an .env file that "
                    "survives, nobody gets a session."
                ) from error
            raise
        if not answer.get("valid") or not answer.get("token"):
            # In multi-user mode a wrong password is answered with 200.
            raise HearthError(
                f"The server refuses the login of {self._username} ({answer.get('message')}). Check username and password."
            )
        self.recovery_codes = list(answer.get("recoveryCodes") or [])
        return str(answer["token"])
