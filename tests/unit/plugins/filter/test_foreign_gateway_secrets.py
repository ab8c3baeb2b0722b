# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.foreign_gateway_secrets import foreign_gateway_secrets
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

ENGINE_KEY = "of-the-engines"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def signed(key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, issuer: str, name: str = "") -> str:
    def called(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    builder = x509.CertificateBuilder(
        called(issuer), called(name or issuer), key.public_key(), x509.random_serial_number()
    )
    now = datetime.now(UTC)
    built = builder.not_valid_before(now).not_valid_after(now + timedelta(days=9)).sign(by, SHA256())
    return built.public_bytes(Encoding.PEM).decode()


CA_KEY, OTHER_KEY, LEAF_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
CA, RENEWED, OTHER = (
    signed(CA_KEY, CA_KEY, "ours"),
    signed(CA_KEY, CA_KEY, "ours"),
    signed(OTHER_KEY, OTHER_KEY, "ours"),
)


def text(name: str, content: str, ends: int | None = None) -> dict[str, Any]:
    return {"name": name, "sha256": digest(content), "ends": ends}


def found(**changes: Any) -> dict[str, Any]:
    deployed = {
        "authority": CA,
        "certificate": signed(LEAF_KEY, CA_KEY, "ours", "llm"),
        "api_keys": [text("alice", "a"), text("bob", "b")],
        "engine_key": digest(ENGINE_KEY),
    }
    return {**deployed, **changes}


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(CA)
    return path


def judge(deployed: dict[str, Any], authority: Path | str, **changes: Any) -> str:
    here: dict[str, Any] = {
        "keys": [{"name": "alice"}, {"name": "bob"}],
        "valid": [text("alice", "a"), text("bob", "b")],
        "engine_key": ENGINE_KEY,
        "authority": str(authority),
        "secrets_directory": "/srv/secrets",
        "accepted": [],
        "host": "llm1",
    }
    return " ".join(foreign_gateway_secrets(deployed, **{**here, **changes}))


def test_its_own_controller_and_a_virgin_host_pass(authority: Path) -> None:
    assert judge(found(), authority) == ""
    assert judge({}, "/nowhere") == ""


def test_a_ca_that_was_renewed_with_its_key_is_the_same_ca(authority: Path) -> None:
    assert judge(found(authority=RENEWED), authority) == ""
    other = judge(found(authority=OTHER), authority)
    assert "clients trust the CA with the SHA-256 fingerprint" in other
    assert ", and here it is the CA with the SHA-256 fingerprint" in other


def test_a_certificate_of_somebody_else_is_not_replaced_by_a_private_one(authority: Path) -> None:
    """Where ACME or files gave it, clients know nothing of the private CA."""
    public = found(authority="", certificate=signed(LEAF_KEY, OTHER_KEY, "Public Trust", "llm"))
    assert "presents a certificate by CN=Public Trust, which a certificate of the private CA would replace" in judge(
        public, authority
    )
    assert judge(public, authority, accepted="api_keys, certificates") == ""
    assert judge(public, "") == "", "the description says where it comes from"


def test_texts_that_are_written_down_may_change_and_those_that_have_ended_are_nobodys(authority: Path) -> None:
    written = [{"name": "alice", "key": "new"}, {"name": "bob", "sha256": digest("new")}]
    valid = [text("alice", "new"), text("bob", "new")]
    assert judge(found(), authority, keys=written, valid=valid) == ""
    assert "of alice, bob" in judge(found(), authority, valid=valid)
    ended = [text("alice", "a"), text("bob", "b"), text("bob", "old", int(time.time()) - 1)]
    assert judge(found(api_keys=ended), authority) == ""
    going = [text("alice", "a"), text("bob", "b"), text("bob", "old", int(time.time()) + 100)]
    assert "of bob" in judge(found(api_keys=going), authority)


def test_the_key_of_the_engines_is_one_of_them(authority: Path) -> None:
    assert "engine_key" in judge(found(engine_key=digest("another")), authority)
    assert judge(found(engine_key=""), authority) == ""


def test_many_names_are_counted_and_keys_that_are_not_described_go(authority: Path) -> None:
    crowd = [text(f"key{number:02}", str(number)) for number in range(13)]
    keys = [{"name": key["name"]} for key in crowd]
    assert "key08, key09 and 3 more" in judge(found(api_keys=crowd), authority, keys=keys, valid=[])
    assert judge(found(), authority, keys=[{"name": "alice"}]) == "", "who is taken from the description loses his key"
