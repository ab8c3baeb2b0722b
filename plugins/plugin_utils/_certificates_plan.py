# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's certificates are to be, what has to be made anew, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._certificates import due, names_outside, names_refused
from ansible_collections.hearth.llm.plugins.plugin_utils._tls import Places

# Clients on the host itself, and the role that verifies the gateway there, come in by this. It is no address: below a CA that is limited to some, clients
# with BoringSSL (Claude Code and whatever else is made with Bun) refuse every certificate that lists one.
OWN = "localhost"
# What the CA may sign for beside.
LOOPBACK = (OWN, "127.0.0.1", "::1")
# Addresses that nobody has for himself in the world.
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
# When a CA's certificate is valid is no reason to refuse the CA: it is made anew with its old key.
_ENDING = re.compile(r"it (begins|ends|ended) on ")
_ADDRESS = re.compile(r"[0-9./]+$|.*:")


def plan(described: Mapping[str, Any]) -> dict[str, Any]:
    """Reads, and makes nothing. What is made changes the next answer."""
    places = Places(str(Path(described["directory"])), described["host"])
    before = int(described["renew_before_days"])
    own = [described["domain"], *described["names"]]
    names = _once([*own, OWN])
    given = described["permitted"] or [*names_outside(own, PRIVATE_NETWORKS), *PRIVATE_NETWORKS]
    permitted = _once([*given, *LOOPBACK])
    authority, authority_key = places.authority.values()
    path, key = places.own.values()
    acme, acme_key = places.acme.values()
    source = described["source"]
    faults = [reason for reason in due(authority, key=authority_key, key_required=False) if not _ENDING.match(reason)]
    return {
        "names": names,
        "authority_path": authority,
        "authority_key_path": authority_key,
        "path": path,
        "key_path": key,
        "acme_path": acme,
        "acme_key_path": acme_key,
        "private": source == "private_ca" or (source == "acme" and not places.has_acme),
        # A CA is made anew, with its old key, while it can still outlive what it signs.
        "authority_due": due(
            authority,
            key=authority_key,
            key_required=False,
            permitted=permitted,
            renew_before_days=int(described["valid_days"]) + before,
        ),
        "authority_faults": faults,
        # What is wrong with the CA itself is told alone.
        "authority_usable": not Path(authority).is_file() or not faults,
        "due": due(path, key=key, names=names, authority=authority, renew_before_days=before),
        "permitted": list(given),
        "outside": names_outside(names, permitted),
        "refused": names_refused(authority, names),
        "given_faults": due(described["file"], key=described["key_file"]) if source == "files" else [],
        "acme_due": due(acme, key=acme_key, names=_once(own), renew_before_days=before),
        "acme_names": _once(own),
        "acme_addresses": [name for name in _once(own) if _ADDRESS.match(name)],
        "subject_alternative_names": [_written(name) for name in names],
        "name_constraints": [_written(name) for name in _networks(permitted)],
    }


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _written(name: str) -> str:
    """As community.crypto writes names."""
    return f"{'IP' if _ADDRESS.match(name) else 'DNS'}:{name}"


def _networks(names: Iterable[str]) -> Iterator[str]:
    """A CA is limited to networks, and an address is one of its own."""
    for name in names:
        alone = _ADDRESS.match(name) and "/" not in name
        yield f"{name}/{128 if ':' in name else 32}" if alone else name
