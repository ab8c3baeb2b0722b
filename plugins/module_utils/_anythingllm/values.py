# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a setting: the server takes more than it can keep, and forgets the rest when it is restarted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.keys import PLAIN, SECRET, VARIABLES
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

if TYPE_CHECKING:
    from typing import Mapping

# The server cuts a value at the first of these when it writes its .env file.
_CUT = re.compile(r"[\"'`#\u0000-\u001f\u0085\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_MASK = "******"
# Only the container's environment can have them.
_ENVIRONMENT_ONLY = ("AuthToken", "JWTSecret")


def text_of(value: Any) -> str:
    """As the server writes and reads it: everything is text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def checked(settings: Mapping[str, Any], secrets: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Both as texts; InputError for what the server would ignore, cut or refuse. A value that is null is not named."""
    plain = {name: _plain(name, value) for name, value in settings.items() if value is not None}
    secret = {name: _secret(name, value) for name, value in secrets.items() if value is not None}
    by_variable: dict[str, str] = {}
    for name in plain:
        other = by_variable.setdefault(VARIABLES[name], name)
        if plain[other] != plain[name]:
            raise InputError(f"settings: {other} and {name} are one setting under two names. Give one of them.")
    return plain, secret


def _plain(name: str, value: Any) -> str:
    if name in SECRET:
        raise InputError(f"settings: {name} is a secret. Give it in secrets, where it is never shown.")
    _check_name("settings", name)
    if isinstance(value, (list, dict)):
        raise InputError(f"settings: {name} is a {type(value).__name__}. Give a text, a number, true or false.")
    text = text_of(value)
    if not text:
        raise InputError(f"settings: {name} is empty, and the server cannot unset it. Give a value, or leave it out.")
    found = _CUT.search(text)
    if found or _MASK in text:
        what = (
            f"the character {found.group()!r}, at which the server cuts it off when it is restarted"
            if found
            else f"{_MASK}, which the server ignores"
        )
        raise InputError(f"settings: {name} holds {what}. Give a value without it.")
    return text


def _secret(name: str, value: Any) -> str:
    if name in PLAIN:
        raise InputError(
            f"secrets: {name} is no secret, and is compared with what the server has. Give it in settings."
        )
    _check_name("secrets", name)
    text = text_of(value)
    if _CUT.search(text) or _MASK in text:
        raise InputError(
            f"secrets: {name} holds a quote, a hash, a line break or {_MASK}. The server would take it, and cut or ignore it: it would be wrong "
            "after the next restart. Give one without them."
        )
    return text


def _check_name(option: str, name: str) -> None:
    if name in _ENVIRONMENT_ONLY:
        raise InputError(
            f"{option}: the server lets nobody set {name}. Give {VARIABLES[name]} in the container's environment."
        )
    if name not in VARIABLES:
        raise InputError(
            f"{option}: AnythingLLM knows no setting {name}, and would silently ignore it. Check its spelling, capitals included."
        )
