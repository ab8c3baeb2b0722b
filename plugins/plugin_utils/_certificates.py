# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates on the controller: why one has to be made anew, and what a CA may sign for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.hearth.llm.plugins.plugin_utils._secret_file import VAULT_HEADER

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False


def due(
    path: str,
    key: str | None = None,
    key_required: bool = True,
    names: Iterable[str] | None = None,
    permitted: Iterable[str] | None = None,
    authority: str | None = None,
    renew_before_days: int = 0,
) -> list[str]:
    """Every reason to make the certificate at `path` anew, a sentence without its subject. A key that Ansible Vault encrypts is taken for the right one."""
    if not HAS_CRYPTOGRAPHY:
        raise AnsibleFilterError("The controller lacks the Python package cryptography: pip install cryptography")
    if not Path(path).exists():
        return ["there is none yet"]
    try:
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (ValueError, OSError) as error:
        return [f"it cannot be read ({error})"]
    reasons = [*_beginning(certificate), *_ending(certificate, renew_before_days)]
    if key is not None:
        reasons += _key(certificate, Path(key), key_required)
    if names is not None:
        reasons += _difference("names", set(map(_plain, names)), _names_of(certificate))
    if permitted is not None:
        reasons += _difference("may sign for", set(map(_network, permitted)), permitted_by(certificate))
    if authority is not None:
        reasons += _signature(certificate, Path(authority))
    return reasons


def _beginning(certificate: x509.Certificate) -> Iterator[str]:
    """Made while the controller's clock was ahead, which it is no more: every client would refuse it until then."""
    if certificate.not_valid_before_utc > datetime.now(UTC) + timedelta(minutes=5):
        yield f"it begins on {certificate.not_valid_before_utc:%Y-%m-%d}, which is still to come"


def _ending(certificate: x509.Certificate, renew_before_days: int) -> Iterator[str]:
    end = certificate.not_valid_after_utc
    if end <= datetime.now(UTC):
        yield f"it ended on {end:%Y-%m-%d}"
    elif end <= datetime.now(UTC) + timedelta(days=renew_before_days):
        yield f"it ends on {end:%Y-%m-%d}"


def _key(certificate: x509.Certificate, path: Path, required: bool) -> Iterator[str]:
    if not path.exists():
        if required:
            yield f"its key {path} is missing"
        return
    try:
        text = path.read_bytes()
        # Only who signs with it needs the password.
        if text.startswith(VAULT_HEADER):
            return
        public = load_pem_private_key(text, password=None).public_key()
    except (ValueError, TypeError, OSError) as error:
        yield f"its key {path} cannot be read ({error})"
        return

    def encoded(key: Any) -> bytes:
        return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    if encoded(public) != encoded(certificate.public_key()):
        yield f"{path} is not its key"


def _difference(verb: str, wanted: set[str], found: set[str]) -> Iterator[str]:
    if wanted != found:
        yield f"it {verb} {_list(found)} where {_list(wanted)} is asked for"


def _list(items: set[str]) -> str:
    return ", ".join(sorted(items)) or "nothing"


def _names_of(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {_plain(str(name.value)) for name in names}


def permitted_by(certificate: x509.Certificate) -> set[str]:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return set()
    return {_network(str(name.value)) for name in constraints.permitted_subtrees or []}


def _signature(certificate: x509.Certificate, authority: Path) -> Iterator[str]:
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
    except (ValueError, TypeError, OSError, InvalidSignature):
        yield f"the CA {authority} has not signed it"


def _plain(name: str) -> str:
    """One spelling for each name: of the many that an IPv6 address has, and of the cases of a DNS name."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def _network(name: str) -> str:
    try:
        return str(ipaddress.ip_network(name, strict=False))
    except ValueError:
        return name.lower()


def names_outside(names: Iterable[str], permitted: Iterable[str]) -> list[str]:
    limits = list(permitted)
    return [name for name in names if not any(_covers(limit, name) for limit in limits)]


def _covers(limit: str, name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return f".{name}".lower().endswith(f".{limit}".lower())
    try:
        return address in ipaddress.ip_network(limit, strict=False)
    except ValueError:
        return False


def names_refused(path: str, names: Iterable[str]) -> list[str]:
    """Names that the CA at `path` keeps itself from signing for. One that has ended, or cannot be read, refuses nothing: nobody relies on it."""
    try:
        authority = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (ValueError, OSError):
        return []
    permitted = permitted_by(authority)
    if not permitted or authority.not_valid_after_utc <= datetime.now(UTC):
        return []
    return names_outside(names, permitted)
