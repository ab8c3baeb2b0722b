# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where certificates and the CA lie on the controller, and what others have to know of where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _description

# On which an ACME server asks for the answer to its challenge.
CHALLENGE_PORT = 80


@dataclass(frozen=True)
class Places:
    """What lies where below the directory of certificates."""

    directory: str
    host: str

    @property
    def authority(self) -> dict[str, str]:
        return _pair(f"{self.directory}/ca")

    @property
    def own(self) -> dict[str, str]:
        """Of the private CA."""
        return _pair(f"{self.directory}/hosts/{self.host}")

    @property
    def acme(self) -> dict[str, str]:
        return _pair(f"{self.directory}/acme/{self.host}")

    @property
    def has_acme(self) -> bool:
        """The gateway has to be there before an ACME server gives a certificate, and begins with one of the private CA."""
        return Path(self.acme["certificate"]).is_file()


def plan(described: Any, secrets_directory: str, host: str) -> dict[str, Any]:
    tls = _description.tls(described)
    directory, is_acme = f"{secrets_directory}/tls", tls.source == "acme"
    places, given_authority = Places(directory, host), tls.authority or ""
    own_authority = places.authority["certificate"]
    if tls.source == "files":
        shown = {"certificate": tls.certificate or "", "key": tls.key or "", "authority": given_authority}
    elif is_acme and places.has_acme:
        shown = {**places.acme, "authority": given_authority}
    else:
        shown = {**places.own, "authority": own_authority}
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
