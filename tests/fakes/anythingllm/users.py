# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users: failures come with status 200, and the last administrator can be suspended or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakes.anythingllm.http import Answer, Request, answer, route, status
from fakes.anythingllm.sessions import hashed, refusal, shown

if TYPE_CHECKING:
    from fakes.anythingllm.application import Application

LIMIT = "Daily message limit must be null or a number greater than or equal to 1"
ROLES = ("default", "manager", "admin")


def _limit_refusal(limit: Any) -> str:
    """Seen: AnythingLLM 1.16.0, driven unmodified (0 is refused). Source: validations in server/models/user.js."""
    try:
        return "" if limit is None or float(limit) >= 1 else LIMIT
    except (TypeError, ValueError):
        return LIMIT


@route("GET", "/api/v1/admin/users", "users")
def _list(app: Application, _request: Request) -> Answer:
    return answer({"users": [shown(user) for user in app.store.all("SELECT * FROM users")]})


@route("POST", "/api/v1/admin/users/new", "users")
def _new(app: Application, request: Request) -> Answer:
    given = request.json()
    name, role = str(given.get("username", "")), given.get("role", "default")
    error = refusal(name, str(given.get("password", "")))
    if not error and role not in ROLES:
        error = f"Invalid role. Allowed roles are: {', '.join(ROLES)}"
    error = error or _limit_refusal(given.get("dailyMessageLimit"))
    if not error and app.store.one("SELECT id FROM users WHERE username = ?", name):
        error = "A user with that username already exists"
    if error:
        return answer({"user": None, "error": error}, 400)
    user = app.store.insert(
        "users",
        username=name,
        password=hashed(given["password"]),
        role=role,
        dailyMessageLimit=given.get("dailyMessageLimit"),
        bio=given.get("bio", ""),
    )
    return answer({"user": shown(user), "error": None})


@route("POST", "/api/v1/admin/users/{id}", "users")
def _update(app: Application, request: Request) -> Answer:
    user = app.store.one("SELECT * FROM users WHERE id = ?", request.names["id"])
    if user is None:
        return status(500)
    given = request.json()
    if user["role"] == "admin" and given.get("role", "admin") != "admin" and _admins(app) == 1:
        return answer({"success": False, "error": "No system admins will remain if you do this. Update failed."})
    fields: dict[str, Any] = {
        name: given[name] for name in ("role", "suspended", "dailyMessageLimit", "bio", "password") if name in given
    }
    if "username" in given and given["username"] != user["username"]:
        fields["username"] = given["username"]
    if not fields:
        return answer({"success": False, "error": "No valid updates applied."})
    if fields.get("role", "default") not in ROLES:
        return answer({"success": False, "error": f"Invalid role. Allowed roles are: {', '.join(ROLES)}"})
    error = _limit_refusal(fields.get("dailyMessageLimit"))
    if error:
        return answer({"success": False, "error": error})
    if "password" in fields:
        error = refusal(user["username"], str(fields["password"]))
        if error:
            return answer({"success": False, "error": error})
        fields["password"] = hashed(str(fields["password"]))
    if "suspended" in fields:
        fields["suspended"] = int(bool(fields["suspended"]))
    app.store.update("users", user["id"], **fields)
    return answer({"success": True, "error": None})


def _admins(app: Application) -> int:
    return len(app.store.all("SELECT id FROM users WHERE role = 'admin'"))


@route("DELETE", "/api/v1/admin/users/{id}", "users")
def _delete(app: Application, request: Request) -> Answer:
    user = app.store.one("SELECT * FROM users WHERE id = ?", request.names["id"])
    if user is None:
        return status(500)
    app.store.run("DELETE FROM users WHERE id = ?", user["id"])
    app.store.run("DELETE FROM workspace_users WHERE user_id = ?", user["id"])
    return answer({"success": True, "error": None})


@route("GET", "/api/v1/admin/workspaces/{id}/users", "users")
def _members(app: Application, request: Request) -> Answer:
    """Asked by the number of the workspace; a slug finds nobody."""
    rows = app.store.all(
        "SELECT users.id AS userId, users.username, users.role FROM workspace_users JOIN users ON users.id = workspace_users.user_id "
        "WHERE workspace_users.workspace_id = ?",
        request.names["id"],
    )
    return answer({"users": rows})


@route("POST", "/api/v1/admin/workspaces/{slug}/manage-users", "users")
def _manage(app: Application, request: Request) -> Answer:
    given = request.json()
    workspace = app.store.one("SELECT id FROM workspaces WHERE slug = ?", request.names["slug"])
    known = {user["id"] for user in app.store.all("SELECT id FROM users")}
    ids = [number for number in given.get("userIds", []) if number in known]
    if workspace is None or not ids:
        return answer({"success": False, "error": "No valid user IDs provided.", "users": []}, 404)
    if given.get("reset"):
        app.store.run("DELETE FROM workspace_users WHERE workspace_id = ?", workspace["id"])
    for number in ids:
        app.store.run("DELETE FROM workspace_users WHERE workspace_id = ? AND user_id = ?", workspace["id"], number)
        app.store.insert("workspace_users", workspace_id=workspace["id"], user_id=number)
    return answer({"success": True, "error": None, "users": []})


@route("POST", "/api/v1/admin/workspaces/{id}/update-users", "users")
def _replace(app: Application, request: Request) -> Answer:
    number = int(request.names["id"])
    app.store.run("DELETE FROM workspace_users WHERE workspace_id = ?", number)
    for user in request.json().get("userIds", []):
        app.store.insert("workspace_users", workspace_id=number, user_id=user)
    return answer({"success": True, "error": None})
