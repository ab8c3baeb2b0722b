# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, how one logs in, and the first steps of a new server.

Seen: AnythingLLM 1.16.0, driven unmodified (names of users are case-sensitive; `user` is an object; /api/system/api-keys is 401 in multi-user
mode; a session from before SIG_KEY was changed ends the process, where there is one password). Source: server/endpoints/system.js,
server/utils/middleware/validatedRequest.js and multiUserProtected.js.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from fakes.anythingllm.http import Answer, ProcessEndedError, RefusedError, Request, answer, route, status

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

ROLES_OF = {"staff": ("admin", "manager"), "admin": ("admin",)}
USERNAME = re.compile(r"^[a-z][a-z0-9._@-]*$")


def guard(app: Application, request: Request, kind: str) -> None:
    if kind in ("key", "users"):
        if not app.store.one("SELECT id FROM api_keys WHERE secret = ?", request.bearer):
            raise RefusedError(answer({"error": "No valid api key found."}, 403))
        if kind == "users" and not app.store.multi_user:
            raise RefusedError(status(401))
    elif kind != "none":
        _session(app, request)
        role = request.user["role"] if request.user else None
        if app.store.multi_user:
            allowed = kind == "session" or (kind != "single" and role in ROLES_OF[kind])
        else:
            allowed = kind != "admin"
        if not allowed:
            raise RefusedError(status(401))


def _session(app: Application, request: Request) -> None:
    env = app.environment
    if not app.store.multi_user and not (env.get("AUTH_TOKEN") and env.get("JWT_SECRET")):
        # Either of them missing, and everybody is let in.
        return
    if not request.bearer:
        raise RefusedError(answer({"error": "No auth token found."}, 401))
    claims = _claims(app, request.bearer)
    if app.store.multi_user:
        request.user = app.store.one("SELECT * FROM users WHERE id = ?", claims.get("id", 0))
        if not request.user or request.user["suspended"]:
            raise RefusedError(answer({"error": "Invalid auth for user."}, 401))
    elif "p" not in claims:
        raise RefusedError(answer({"error": "Token expired or failed validation."}, 401))
    elif claims["sealed_with"] != hashed(env.get("SIG_KEY")):
        # It cannot be opened, and nobody catches that.
        raise ProcessEndedError("Error: data and hash must be strings")
    elif claims["p"] != hashed(env.get("AUTH_TOKEN")):
        raise RefusedError(answer({"error": "Invalid auth credentials."}, 401))


def _token(app: Application, claims: dict[str, Any]) -> str:
    if not app.environment.get("JWT_SECRET"):
        raise RuntimeError("Cannot create JWT as JWT_SECRET is unset.")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode("utf-8")).decode("ascii")
    return f"{body}.{_signature(app, body)}"


def _claims(app: Application, token: str) -> dict[str, Any]:
    body, _dot, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(app, body).encode()):
        return {}
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    return claims


def _signature(app: Application, body: str) -> str:
    return hmac.new(app.environment.get("JWT_SECRET").encode(), body.encode(), hashlib.sha256).hexdigest()


def shown(user: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in user.items() if name != "password"}


def hashed(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8")).hexdigest()


@route("POST", "/api/request-token", "none")
def _login(app: Application, request: Request) -> Answer:
    given = request.json()
    if not app.store.multi_user:
        if "password" not in given or not app.environment.get("AUTH_TOKEN"):
            return status(500)
        if given["password"] != app.environment.get("AUTH_TOKEN"):
            return answer({"valid": False, "token": None, "message": "[003] Invalid password provided"}, 401)
        claims = {"p": hashed(given["password"]), "sealed_with": hashed(app.environment.get("SIG_KEY"))}
        return answer({"valid": True, "token": _token(app, claims), "message": None})
    user = app.store.one("SELECT * FROM users WHERE username = ?", str(given.get("username")))
    if user is None:
        return answer({"user": None, "valid": False, "token": None, "message": "[001] Invalid login credentials."})
    if user["password"] != hashed(str(given.get("password"))):
        return answer({"user": None, "valid": False, "token": None, "message": "[002] Invalid login credentials."})
    if user["suspended"]:
        return answer({"user": None, "valid": False, "token": None, "message": "[004] Account suspended by admin."})
    result = {"valid": True, "user": shown(user), "token": _token(app, {"id": user["id"]}), "message": None}
    if not user["seen_recovery_codes"]:
        # Told once, and never again.
        app.store.update("users", user["id"], seen_recovery_codes=1)
        result["recoveryCodes"] = [secrets.token_hex(8) for _number in range(4)]
    return answer(result)


@route("GET", "/api/system/check-token", "session")
def _check_token(_app: Application, _request: Request) -> Answer:
    return status(200)


@route("GET", "/api/onboarding", "none")
def _onboarding(app: Application, _request: Request) -> Answer:
    return answer({"onboardingComplete": app.store.preference("onboarding_complete") == "true"})


@route("POST", "/api/onboarding", "session")
def _complete(app: Application, _request: Request) -> Answer:
    app.store.set_preference("onboarding_complete", "true")
    return status(200)


@route("POST", "/api/system/enable-multi-user", "session")
def _enable_multi_user(app: Application, request: Request) -> Answer:
    if app.store.multi_user:
        return answer({"success": False, "error": "Multi-user mode is already enabled."})
    given = request.json()
    error = refusal(str(given.get("username", "")), str(given.get("password", "")))
    if error:
        return answer({"success": False, "error": error}, 400)
    app.store.insert("users", username=given["username"], password=hashed(given["password"]), role="admin")
    app.store.set_preference("multi_user_mode", "true")
    app.environment.values.setdefault("JWT_SECRET", secrets.token_hex(16))
    app.environment.dump()
    return answer({"success": True, "error": None})


def refusal(username: str, password: str | None) -> str:
    if not (USERNAME.match(username) and 2 <= len(username) <= 64):
        return "Username must start with a lowercase letter and only contain lowercase letters, numbers, underscores, hyphens, and periods."
    if password is not None and len(password) < 8:
        return '"password" should be at least 8 characters long'
    return ""


@route("POST", "/api/system/update-password", "session")
def _update_password(app: Application, request: Request) -> Answer:
    """Always reports success."""
    wanted = str(request.json().get("newPassword", ""))
    if re.fullmatch(r"[a-zA-Z0-9_\-!@$%^&*();]+", wanted):
        app.environment.values["AUTH_TOKEN"] = wanted
        app.environment.dump()
    return answer({"success": True, "error": None})


def _keys(app: Application, _request: Request) -> Answer:
    return answer({"apiKeys": app.store.all("SELECT * FROM api_keys"), "error": None})


def _generate(app: Application, request: Request) -> Answer:
    word = "-".join(secrets.token_hex(4)[:7].upper() for _number in range(4))
    made_by = request.user["id"] if request.user else None
    key = app.store.insert("api_keys", name=request.json().get("name"), secret=word, createdBy=made_by)
    return answer({"apiKey": key, "error": None})


def _forget_key(app: Application, request: Request) -> Answer:
    app.store.run("DELETE FROM api_keys WHERE id = ?", request.names["id"])
    return status(200)


for _way, _guard in (("system", "single"), ("admin", "admin")):
    route("GET", f"/api/{_way}/api-keys", _guard)(_keys)
    route("POST", f"/api/{_way}/generate-api-key", _guard)(_generate)
route("DELETE", "/api/system/api-key/{id}", "single")(_forget_key)
route("DELETE", "/api/admin/delete-api-key/{id}", "admin")(_forget_key)
