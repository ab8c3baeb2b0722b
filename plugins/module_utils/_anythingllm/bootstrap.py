# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a container that has just been started to a key, a finished onboarding and, where it is wanted, users."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import check_version
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.session import (
    MULTI_USER,
    OPEN,
    Session,
    lets_everybody_in,
    mode_of,
    public_settings,
)
from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.users import check_name, check_password
from ansible_collections.hearth.llm.plugins.module_utils._errors import (
    HearthError,
    InputError,
    ProtocolError,
    StatusError,
    TransportError,
)

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.server import Server

_INTERVAL = 0.5


def await_online(server: Server, seconds: float) -> str:
    """The version, as soon as the server answers; the last error where time is up."""
    end = time.monotonic() + seconds
    while True:
        try:
            metrics = server.get("/api/utils/metrics", attempts=1)
            if metrics.get("online"):
                return check_version(metrics)
            error: HearthError = ProtocolError(f"{server.api.url} answers, and says that it is not online.")
        except (TransportError, StatusError) as failure:
            error = failure
        if time.monotonic() >= end:
            raise HearthError(f"AnythingLLM did not come up in {seconds:.0f} s. {error.message}") from error
        time.sleep(_INTERVAL)


class Bootstrap:
    """What has to be done, found out by asking; done unless this is check mode."""

    def __init__(self, server: Server, params: Mapping[str, Any], *, check_mode: bool) -> None:
        self.server, self.params, self.check_mode = server, params, check_mode
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        self._check()
        version = await_online(self.server, self.params["wait_timeout"])
        mode = mode_of(public_settings(self.server))
        is_open = lets_everybody_in(self.server)
        if is_open and not self.params["allow_open"]:
            raise InputError(
                "This server lets everybody in and tells everybody its keys. Start its container with AUTH_TOKEN and JWT_SECRET, both of "
                "them; or set allow_open where nobody else can reach it."
            )
        session = self._session(OPEN if is_open else mode)
        key, made = self._key(session)
        self._onboard(session)
        if self.params["multi_user"] and mode != MULTI_USER:
            mode = self._enable_users(session, mode)
        return {
            "changed": self.before != self.after,
            "diff": {"before": self.before, "after": self.after},
            "api_key": key,
            "key_made": made,
            "mode": mode,
            "version": version,
            "recovery_codes": session.recovery_codes,
        }

    def _check(self) -> None:
        admin = self.params["admin"]
        if self.params["multi_user"]:
            if admin is None:
                raise InputError("multi_user needs an administrator. Give admin with name and password.")
            check_name(admin["name"])
            check_password(admin["name"], admin["password"])

    def _session(self, mode: str) -> Session:
        admin = self.params["admin"] or {}
        if mode == MULTI_USER:
            return Session(self.server, mode, username=admin.get("name"), password=admin.get("password"))
        return Session(self.server, mode, password=self.params["password"])

    def _key(self, session: Session) -> tuple[str | None, bool]:
        """A key that the server knows, and whether it had to be made. With a valid one nobody logs in."""
        name = self.params["key_name"]
        if self.params["api_key"] and self._is_valid():
            return str(self.params["api_key"]), False
        session.check("Making an API key")
        if self.check_mode and session.mode == MULTI_USER:
            # The login alone would burn recovery codes, and only a login tells which keys there are.
            self.after["api_key"] = f"{name}, unless it exists"
            return None, False
        named = [key for key in session.api_keys() if key.get("name") == name]
        if named:
            return str(named[0]["secret"]), False
        self.after["api_key"] = name
        if self.check_mode:
            return None, True
        return str(session.make_key(name)["secret"]), True

    def _is_valid(self) -> bool:
        try:
            return bool(self.server.get("/api/v1/auth").get("authenticated"))
        except StatusError as error:
            if error.status != 403:
                raise
            return False

    def _onboard(self, session: Session) -> None:
        if self.server.get("/api/onboarding").get("onboardingComplete"):
            return
        self.before["onboarding"], self.after["onboarding"] = "open", "complete"
        session.check("Closing the onboarding")
        if not self.check_mode:
            self.server.text("POST", "/api/onboarding", payload={}, token=session.token)

    def _enable_users(self, session: Session, mode: str) -> str:
        admin = self.params["admin"]
        self.before["mode"], self.after["mode"] = mode, MULTI_USER
        session.check("Enabling multi-user mode")
        if self.check_mode:
            return MULTI_USER
        wanted = {"username": admin["name"], "password": admin["password"]}
        answer = self.server.post("/api/system/enable-multi-user", wanted, token=session.token)
        if not answer.get("success"):
            raise ProtocolError(f"The server does not enable multi-user mode ({answer.get('error')}).")
        now = mode_of(public_settings(self.server))
        if now != MULTI_USER:
            raise ProtocolError(
                f"The server said that it enabled multi-user mode, and is in mode {now}. Look at its log."
            )
        return now
