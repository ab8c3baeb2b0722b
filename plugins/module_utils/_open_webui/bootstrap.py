# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first key: got by a person's way in, once, and never again while it is valid."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
    TransportError,
)

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._open_webui.server import Server

# Tells nothing that matters, and is open to administrators only. The session's own address is closed to keys.
KEY_CHECK = "/api/v1/auths/admin/config"
KEY = "/api/v1/auths/api_key"


@dataclass(frozen=True)
class Key:
    """`key` is None where the one that was known is valid."""

    key: str | None
    made: bool
    signed_up: bool


def wait_until_ready(server: Server, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if server.get("/ready", attempts=1) == {"status": True}:
                return
        except (TransportError, StatusError) as error:
            if time.monotonic() >= deadline:
                raise HearthError(f"Open WebUI is not up after {seconds:.0f} s. {error.message}") from error
        if time.monotonic() >= deadline:
            raise HearthError(f"Open WebUI is not ready after {seconds:.0f} s. Look at its log.")
        time.sleep(0.5)


def is_valid(server: Server) -> bool:
    """Whether the key that is known opens what the modules need; StatusError where it is known and not enough."""
    if not server.api.token:
        return False
    try:
        server.get(KEY_CHECK)
    except StatusError as error:
        if error.status == 401 and "does not know this api_key" in error.message:
            return False
        raise
    return True


def get_key(server: Server, admin: Mapping[str, Any] | None) -> Key:
    """The administrator's key; made where there is none, for each POST makes another one and ends the one before."""
    if not admin:
        raise InputError("No valid api_key is known. Give admin, with email and password.")
    nobody_yet = bool(server.get("/api/config", token="").get("onboarding"))
    session = _sign_up(server, admin) if nobody_yet else _sign_in(server, admin)
    key = _existing_key(server, session)
    if key is not None:
        return Key(key, False, nobody_yet)
    return Key(server.post(KEY, token=session)["api_key"], True, nobody_yet)


def _existing_key(server: Server, session: str) -> str | None:
    try:
        return str(server.get(KEY, token=session)["api_key"])
    except StatusError as error:
        if error.status == 404:
            return None
        if error.status != 403:
            raise
    # Keys are switched off, which is what a server does by itself.
    server.post("/api/v1/configs/import", {"config": {"auth.enable_api_keys": True}}, token=session)
    return _existing_key(server, session)


def _sign_up(server: Server, admin: Mapping[str, Any]) -> str:
    """The first user of all becomes the administrator, and the door closes behind him."""
    try:
        return _session(server.post("/api/v1/auths/signup", _person(admin), token=""), admin)
    except StatusError as error:
        raise HearthError(
            f"The first administrator {admin['email']} cannot sign up: {error.message} "
            "Start the server with ENABLE_LOGIN_FORM=true, or with WEBUI_ADMIN_EMAIL and WEBUI_ADMIN_PASSWORD."
        ) from error


def _sign_in(server: Server, admin: Mapping[str, Any]) -> str:
    person = _person(admin)
    del person["name"]
    try:
        return _session(server.post("/api/v1/auths/signin", person, token=""), admin)
    except StatusError as error:
        remedies = {
            400: "the server does not take this password. An administrator is only made from the environment while there are no users; "
            "change the password in the browser, or give the one that was set then",
            429: "the server has counted 15 of his attempts within 3 minutes. Wait that long, and keep the api_key, which needs no attempt",
        }
        if error.status not in remedies:
            raise
        raise HearthError(f"{admin['email']} cannot sign in: {remedies[error.status]}.") from error


def _person(admin: Mapping[str, Any]) -> dict[str, Any]:
    return {"email": admin["email"], "password": admin["password"], "name": admin["name"]}


def _session(answer: Any, admin: Mapping[str, Any]) -> str:
    if not isinstance(answer, dict) or not answer.get("token"):
        raise ProtocolError(
            f"{admin['email']} is asked for a second factor. Give the api_key of an administrator instead of the password."
        )
    if answer.get("role") != "admin":
        raise InputError(f"{admin['email']} is no administrator but {answer.get('role')}. Name one who is.")
    return str(answer["token"])
