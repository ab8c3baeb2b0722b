# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where certificates and the CA lie on the controller, and what others have to know of where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _description

# On which an ACME server asks for the answer to its challenge.
CHALLENGE_PORT = 80


def plan(described: Any, secrets_directory: str, host: str) -> dict[str, Any]:
    tls = _description.tls(described)
    directory, is_acme = f"{secrets_directory}/tls", tls.source == "acme"
    own_authority, given_authority = f"{directory}/ca.pem", tls.authority or ""
    if tls.source == "files":
        shown = {"certificate": tls.certificate or "", "key": tls.key or "", "authority": given_authority}
    # The gateway has to be there before an ACME server gives a certificate, and begins with one of the private CA.
    elif is_acme and Path(f"{directory}/acme/{host}.pem").is_file():
        shown = {**_pair(f"{directory}/acme/{host}"), "authority": given_authority}
    else:
        shown = {**_pair(f"{directory}/hosts/{host}"), "authority": own_authority}
    return {
        "source": tls.source,
        "names": list(tls.names or ()),
        "certificate": tls.certificate or "",
        "key": tls.key or "",
        "authority": own_authority if tls.source == "private_ca" else given_authority,
        "shown": shown,
        "account_key": f"{directory}/acme/account.key" if is_acme else "",
        "challenge_port": CHALLENGE_PORT if is_acme else 0,
        "acme": {
            "directory": tls.acme.directory,
            "terms_agreed": tls.acme.terms_agreed,
            "contacts": list(tls.acme.contacts or ()),
            "server_authority": tls.acme.server_authority or "",
        },
    }


def _pair(path: str) -> dict[str, str]:
    return {"certificate": f"{path}.pem", "key": f"{path}.key"}
