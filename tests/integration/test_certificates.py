# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private CA on the controller: made once, renewed in time, and never signing for what it is not for."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Certificates:
    def __init__(self, directory: Path, playbook: Any) -> None:
        self.directory = directory / "secrets" / "tls"
        self._playbook = playbook

    def describe(self, *options: str, succeeds: bool = True, **variables: Any) -> Any:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"hearth_domain": "llm.example.com", "certificates_directory": str(self.directory), **variables},
            "roles": ["hearth.llm.certificates"],
        }
        return self._playbook([play], *options, succeeds=succeeds)

    def read(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.directory / name).read_bytes())


@pytest.fixture
def certificates(tmp_path: Path, playbook: Any) -> Certificates:
    return Certificates(tmp_path, playbook)


def accepts(authority: Path, certificate: Path, name: str) -> bool:
    """Whether OpenSSL, in the strict mode of newer Pythons, lets a client of that name in."""
    client = ssl.create_default_context(cafile=authority)
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, certificate.with_suffix(".key"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return ends[0].version() is not None


def test_the_ca_is_made_once_and_clients_accept_what_it_signs(certificates: Certificates) -> None:
    dry = certificates.describe("--check", "--diff")
    assert f"{certificates.directory}/ca.pem: there is none yet" in dry.words
    assert dry.changed == 1
    assert not certificates.directory.exists(), "a dry run wrote something"

    certificates.describe()
    authority, certificate = certificates.directory / "ca.pem", certificates.directory / "hosts" / "localhost.pem"
    assert [
        stat.S_IMODE(path.stat().st_mode) for path in (authority.with_suffix(".key"), certificate.with_suffix(".key"))
    ] == [0o600, 0o600]
    for name in ("llm.example.com", "localhost"):
        assert accepts(authority, certificate, name), name
    # Clients that cannot judge addresses would refuse a certificate that has one.
    assert not accepts(authority, certificate, "127.0.0.1")
    assert not accepts(authority, certificate, "example.com")

    assert certificates.describe().changed == 0
    assert certificates.describe("--check", "--diff").changed == 0


def test_of_two_runs_that_make_the_ca_at_once_the_first_one_has_made_it(
    certificates: Certificates, tmp_path: Path, playbook: Any
) -> None:
    """Another run names its key in the moment before this one does."""
    key = certificates.directory / "ca.key"
    other = tmp_path / "other.key"
    other.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ln").write_text(f'#!/bin/sh\ncp {other} {key}\nexec /bin/ln "$@"\n')
    (programs / "ln").chmod(0o755)
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"hearth_domain": "llm.example.com", "certificates_directory": str(certificates.directory)},
        "roles": ["hearth.llm.certificates"],
    }
    playbook([play], variables={"PATH": f"{programs}:{os.environ['PATH']}"})
    assert key.read_bytes() == other.read_bytes()
    authority = certificates.directory / "ca.pem"
    assert accepts(authority, certificates.directory / "hosts/localhost.pem", "llm.example.com")
    assert {path.name for path in certificates.directory.iterdir()} == {"ca.pem", "ca.key", "hosts"}
    assert certificates.describe().changed == 0


def test_a_certificate_that_ends_soon_is_renewed_by_the_next_run(certificates: Certificates) -> None:
    certificates.describe(certificates_valid_days=40)
    authority, old = certificates.read("ca.pem"), certificates.read("hosts/localhost.pem")
    dry = certificates.describe("--check", certificates_renew_before_days=41)
    assert f"hosts/localhost.pem: it ends on {old.not_valid_after_utc:%Y-%m-%d}" in dry.words
    assert certificates.describe(certificates_renew_before_days=41).changed > 0
    assert certificates.read("hosts/localhost.pem").not_valid_after_utc > old.not_valid_after_utc
    assert certificates.read("ca.pem") == authority
    assert certificates.describe(certificates_renew_before_days=41).changed == 0


def test_new_names_are_signed_for_within_the_limits_of_the_ca(certificates: Certificates, tmp_path: Path) -> None:
    certificates.describe()
    authority, certificate = certificates.directory / "ca.pem", certificates.directory / "hosts" / "localhost.pem"
    handed_out = tmp_path / "handed_out.pem"
    handed_out.write_bytes(authority.read_bytes())

    certificates.describe(certificates_names=["chat.llm.example.com", "10.0.0.7", "fd00::7"])
    assert accepts(handed_out, certificate, "10.0.0.7"), "a private address needed a new CA"

    beyond = ["chat.example.com"]
    permitted = ["llm.example.com"]
    refused = certificates.describe(
        succeeds=False, certificates_names=beyond, certificates_authority_permitted=permitted
    )
    assert (
        "called chat.example.com, but certificates_authority_permitted is llm.example.com: add it there"
        in refused.words
    )

    before = (authority.read_bytes(), certificate.read_bytes())
    stopped = certificates.describe(succeeds=False, certificates_names=beyond)
    assert "is to be called chat.example.com, which it must not sign for" in stopped.words
    assert "hearth_accept_removals=certificates" in stopped.words
    assert (authority.read_bytes(), certificate.read_bytes()) == before

    certificates.describe(certificates_names=beyond, hearth_accept_removals="certificates")
    assert accepts(authority, certificate, "chat.example.com")
    assert not accepts(handed_out, certificate, "chat.example.com"), "a client's limits were lifted behind its back"


@pytest.mark.long
def test_a_lost_ca_key_is_told_when_it_is_needed_and_not_before(certificates: Certificates) -> None:
    certificates.describe()
    key = certificates.directory / "ca.key"
    kept = key.rename(key.with_name("kept_elsewhere"))
    assert certificates.describe().changed == 0
    lost = certificates.describe(succeeds=False, certificates_renew_before_days=398)
    assert f"{key} is missing, so nothing can be signed for localhost" in lost.words
    assert "Put the key back from your backup" in lost.words
    kept.rename(key)
    (certificates.directory / "hosts" / "localhost.pem").unlink()
    assert certificates.describe().changed > 0


def test_a_ca_is_never_made_anew_because_its_key_cannot_be_read(certificates: Certificates, tmp_path: Path) -> None:
    certificates.describe()
    authority, key = certificates.directory / "ca.pem", certificates.directory / "ca.key"
    before, plain = authority.read_bytes(), key.read_bytes()
    locked = load_pem_private_key(plain, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )
    for spoiled in (locked, (certificates.directory / "hosts/localhost.key").read_bytes(), b""):
        key.write_bytes(spoiled)
        refused = certificates.describe(succeeds=False)
        assert "Put ca.pem and ca.key back as they belong together" in refused.words
        assert (authority.read_bytes(), key.read_bytes()) == (before, spoiled)

    password = tmp_path / "password"
    password.write_text("vault")
    key.write_bytes(VaultLib([("default", VaultSecret(b"vault"))]).encrypt(plain))
    assert certificates.describe().changed == 0, "what has nothing to sign needs no password"
    vault = f"--vault-password-file={password}"
    certificates.describe(vault, certificates_names=["10.0.0.7"])
    assert accepts(authority, certificates.directory / "hosts/localhost.pem", "10.0.0.7")
    assert authority.read_bytes() == before
    assert key.read_bytes().startswith(b"$ANSIBLE_VAULT;")


def test_what_cannot_be_done_is_refused_in_words(certificates: Certificates) -> None:
    assert (
        "name both files on the controller"
        in certificates.describe(succeeds=False, hearth_tls={"source": "files"}).words
    )
    files = {"source": "files", "certificate": "/nowhere.pem", "key": "/nowhere.key"}
    assert (
        "/nowhere.pem cannot be used: there is none yet"
        in certificates.describe(succeeds=False, hearth_tls=files).words
    )
