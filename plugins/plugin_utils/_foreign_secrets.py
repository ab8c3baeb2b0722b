# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run from this controller would replace secrets that a host was deployed with from another one.

A host cannot tell a new controller from a misunderstanding. Both have no secrets of their own, and make some: a new CA and new keys, which no client has.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Imported where they are used: who only reads the documentation, or has no CA, may be without cryptography.
if TYPE_CHECKING:
    from cryptography import x509

SHOWN = 10
# A key whose text stands in the description is replaced by who writes the description.
WRITTEN_DOWN = ("key", "sha256")

Keys = Sequence[Mapping[str, Any]]


def gateway_findings(
    deployed: Mapping[str, Any],
    keys: Keys,
    valid: Keys,
    engine_key: str,
    authority: str,
    secrets_directory: str,
    accepted: Iterable[str],
    host: str,
) -> list[str]:
    """Why a run would lock clients out, each with the way out. `valid` are the hashes that the controller knows of `keys`.

    `authority` is the file of the private CA, empty where the certificate comes from elsewhere.
    """
    if not deployed:
        return []
    taken = [key for key in deployed["api_keys"] if key["ends"] is None or key["ends"] > time.time()]
    lost: dict[str, list[str]] = {
        "certificates": list(_other_authority(deployed, authority) if authority else ()),
        "api_keys": [*_other_keys(taken, keys, valid), *_other_engine_key(deployed, engine_key)],
    }
    meant = set(accepted)
    refused = {kind: losses for kind, losses in lost.items() if losses and kind not in meant}
    return [_foreign(host, refused, secrets_directory)] if refused else []


def replaced(found: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """The names of those secrets whose hash was found, and which are others here."""
    return [name for name, text in here.items() if found.get(name, _hash(text)) != _hash(text)]


def _foreign(host: str, lost: Mapping[str, Sequence[str]], secrets_directory: str) -> str:
    return (
        f"{host} was deployed with other secrets than this controller has in {secrets_directory}: {'; '.join(itertools.chain(*lost.values()))}. "
        "Going on would replace them, and every client that has them would be locked out, so nothing was changed. "
        "Copy the directory from the controller that deployed the host, or set hearth_secrets_directory to where it lies. "
        f"Only where it is lost, or to renew it on purpose: -e hearth_accept_removals={','.join(lost)}; then hand the new ca.pem and the new keys to "
        "every client (docs/secrets.md)."
    )


def _other_authority(deployed: Mapping[str, Any], path: str) -> Iterator[str]:
    here = _certificate(Path(path).read_text()) if Path(path).is_file() else None
    mine = f"here it is {_name(here)}" if here else "this controller has none"
    there = _certificate(deployed["authority"])
    if there:
        if not here or _public(here) != _public(there):
            yield f"clients trust {_name(there)}, and {mine}"
        return
    presented = _certificate(deployed["certificate"])
    if presented and not (here and _has_signed(here, presented)):
        yield (
            f"the gateway presents a certificate by {presented.issuer.rfc4514_string() or 'nobody'}, which a certificate of the private CA would replace "
            "(hearth_tls says where certificates come from)"
        )


def _other_keys(taken: Keys, keys: Keys, valid: Keys) -> Iterator[str]:
    known = {str(text["sha256"]) for text in valid}
    kept_here = {str(key["name"]) for key in keys if not any(word in key for word in WRITTEN_DOWN)}
    names = sorted({str(key["name"]) for key in taken if key["sha256"] not in known and key["name"] in kept_here})
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"the gateway takes keys that are unknown here, of {', '.join(names[:SHOWN])}{more}"


def _other_engine_key(deployed: Mapping[str, Any], engine_key: str) -> Iterator[str]:
    if deployed["engine_key"] not in ("", _hash(engine_key)):
        yield "the engines have another key (engine_key)"


def _certificate(text: str) -> x509.Certificate | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(text.encode()) if text.strip() else None
    except ValueError:
        return None


def _name(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return f"the CA with the SHA-256 fingerprint {certificate.fingerprint(SHA256()).hex(':').upper()}"


def _public(certificate: x509.Certificate) -> bytes:
    """A CA that was renewed has its old key, and who trusts the old one goes on trusting it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
