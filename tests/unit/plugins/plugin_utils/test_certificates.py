# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _certificates
from ansible_collections.hearth.llm.plugins.plugin_utils._certificates import due as certificate_due
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NAMES = ["llm.example.com", "10.0.0.7", "2001:db8::1"]


def write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def subject_alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate that is valid for 60 more days, with its key beside it."""
    key = write_key(tmp_path / "leaf.key")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "llm.example.com")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=60))
        .add_extension(x509.SubjectAlternativeName([subject_alternative(name) for name in NAMES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "leaf.pem"
    path.write_bytes(built.public_bytes(Encoding.PEM))
    return path


def test_a_certificate_as_it_should_be_is_not_due(certificate: Path) -> None:
    other_spelling = ["LLM.example.com", "2001:DB8:0::1", "10.0.0.7"]
    assert (
        certificate_due(
            str(certificate), names=other_spelling, key=str(certificate.with_suffix(".key")), renew_before_days=30
        )
        == []
    )
    assert certificate_due(str(certificate), authority=str(certificate)) == []


def test_it_is_due_before_it_ends(certificate: Path) -> None:
    (reason,) = certificate_due(str(certificate), renew_before_days=61)
    assert reason.startswith("it ends on 20")


def test_it_is_due_when_it_was_made_while_the_clock_was_ahead(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Earlier(datetime):
        """The clock, set right again: two days before the certificate was made."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(days=2)

    monkeypatch.setattr(_certificates, "datetime", Earlier)
    (reason,) = certificate_due(str(certificate))
    assert reason.startswith("it begins on 20")


def test_it_is_due_when_its_names_change(certificate: Path) -> None:
    (reason,) = certificate_due(str(certificate), names=["llm.example.com"])
    assert reason == "it names 10.0.0.7, 2001:db8::1, llm.example.com where llm.example.com is asked for"


def test_it_is_due_when_its_key_is_lost_or_another_one(certificate: Path, tmp_path: Path) -> None:
    write_key(tmp_path / "other.key")
    assert certificate_due(str(certificate), key=str(tmp_path / "other.key")) == [
        f"{tmp_path}/other.key is not its key"
    ]
    assert certificate_due(str(certificate), key=str(tmp_path / "lost.key")) == [
        f"its key {tmp_path}/lost.key is missing"
    ]
    assert certificate_due(str(certificate), key=str(tmp_path / "lost.key"), key_required=False) == []


def test_it_is_due_when_it_is_missing_or_damaged(certificate: Path, tmp_path: Path) -> None:
    assert certificate_due(str(tmp_path / "none.pem")) == ["there is none yet"]
    certificate.write_text("not a certificate")
    (reason,) = certificate_due(str(certificate))
    assert reason.startswith("it cannot be read")


def test_it_is_due_when_another_ca_signed_it(certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("lost")
    assert certificate_due(str(certificate), authority=str(tmp_path / "ca.pem")) == [
        f"the CA {tmp_path}/ca.pem has not signed it"
    ]
