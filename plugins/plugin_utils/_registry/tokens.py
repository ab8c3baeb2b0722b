# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a registry is told who asks: by a token of the place that it names, or by the password itself.

As https://distribution.github.io/distribution/spec/auth/token/ describes it: the 401 says where tokens are given, and for what.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import ProtocolError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import hide
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, Response, safe_url, same_origin
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.answers import as_json, refuse_errors, refused
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Credentials
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.reference import Reference

_CHALLENGE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_MOST_BYTES = 1 << 20


def proof(client: Client, reference: Reference, url: str, response: Response, who: Credentials) -> str:
    """What stands in Authorization after this 401 of `url`."""
    if not same_origin(response.url, url):
        # Where a redirect has led, somebody else says whom to tell a password.
        who = Credentials()
    asked = response.headers.get("WWW-Authenticate") or ""
    scheme = asked.partition(" ")[0].lower()
    if scheme == "basic" and who.basic:
        return who.basic
    said = dict(_CHALLENGE.findall(asked))
    if scheme != "bearer" or "realm" not in said:
        raise refused(reference, url, 401)
    realm = said["realm"]
    if urlsplit(url).scheme == "https" and urlsplit(realm).scheme != "https":
        raise ProtocolError(
            f"{safe_url(url)} sends to {safe_url(realm)} for a token, without TLS: nobody is told a password there. "
            "Have the registry's owner correct its realm."
        )
    scope = said.get("scope", "") or f"repository:{reference.repository}:pull"
    token = _token(client, reference, realm, {"service": said.get("service", ""), "scope": scope}, who)
    hide(token)
    return f"Bearer {token}"


def _token(client: Client, reference: Reference, realm: str, wanted: dict[str, str], who: Credentials) -> str:
    headers = {"Accept": "application/json"}
    options: dict[str, Any] = {"headers": headers}
    method = "GET"
    where = (
        f"{realm}{'&' if '?' in realm else '?'}{urlencode({name: value for name, value in wanted.items() if value})}"
    )
    if who.identity_token:
        form = {**wanted, "grant_type": "refresh_token", "client_id": "hearth.llm", "refresh_token": who.identity_token}
        method, where = "POST", realm
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        options["body"] = urlencode(form).encode()
        # The body is the secret: no redirect takes it elsewhere.
        options["redirects"] = False
    elif who.basic:
        headers["Authorization"] = who.basic
    try:
        with client.request(method, where, **options) as answer:
            told = as_json(answer, answer.read(_MOST_BYTES))
    except StatusError as error:
        raise refused(reference, realm, error.status) if error.status in (401, 403) else error from None
    refuse_errors(answer, told)
    token = told.get("token") or told.get("access_token")
    if not isinstance(token, str) or not token:
        raise ProtocolError(
            f"{safe_url(realm)} answered without a token: check that no proxy or login page answers in its place."
        )
    return token
