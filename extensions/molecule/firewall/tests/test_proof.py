# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof holds on a good host, and fails, naming the port or the path, on a host that is spoiled in one way after the other."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import CONFIG, DOCKER, ENGINE, LISTENER, Victim

Prove = Callable[..., dict[str, Any]]


def test_a_good_host_is_proven_whatever_runs_behind_its_firewall(prove: Prove, victim: Victim) -> None:
    result = prove()
    assert result["findings"] == []
    assert result["proven"]
    assert set(result["services"][victim.host.address]) == {22, 443}
    assert result["doors"][0]["paths_asked"]
    assert result["doors"][0]["certificate_days_left"] > 300


def test_the_door_opens_to_those_who_have_a_key(prove: Prove) -> None:
    # Otherwise a door that refuses everybody would be proven closed.
    result = prove(closed_paths=["/v1/models"])
    assert "answered 200" in result["findings"][0]["found"]


def rule(chain: str, text: str) -> Callable[[Victim], Any]:
    """A hole in our own table."""

    @contextmanager
    def spoil(victim: Victim) -> Iterator[None]:
        victim.shell(f"nft insert rule inet hearth {chain} {text}")
        yield
        victim.shell("nft --file /etc/hearth-firewall.nft")

    return spoil


@contextmanager
def flushed(victim: Victim) -> Iterator[None]:
    victim.shell("nft delete table inet hearth")
    yield
    victim.shell("nft --file /etc/hearth-firewall.nft")


def gateway(expression: str) -> Callable[[Victim], Any]:
    """Another configuration of the gateway: what sed makes of it, without the backends' own look at paths, which would stand behind it."""

    @contextmanager
    def spoil(victim: Victim) -> Iterator[None]:
        before = victim.shell(f"cat {CONFIG}/haproxy.cfg")
        expressions = f"--expression='{expression}' --expression='/This model is not for this path/d'"
        victim.shell(f"sed --in-place --regexp-extended {expressions} {CONFIG}/haproxy.cfg")
        assert victim.shell(f"cat {CONFIG}/haproxy.cfg") != before
        victim.restart_gateway()
        yield
        victim.put(before.encode() + b"\n", f"{CONFIG}/haproxy.cfg")
        victim.restart_gateway()

    return spoil


def certificate(name: str, days: int) -> Callable[[Victim], Any]:
    """Another certificate of the same authority."""

    @contextmanager
    def spoil(victim: Victim) -> Iterator[None]:
        before = victim.shell(f"cat {CONFIG}/gateway.pem")
        victim.put(issue(victim.secrets / "tls", name, days), f"{CONFIG}/gateway.pem")
        victim.restart_gateway()
        yield
        victim.put(before.encode() + b"\n", f"{CONFIG}/gateway.pem")
        victim.restart_gateway()

    return spoil


def issue(authority: Path, name: str, days: int) -> bytes:
    """Certificate and key, as HAProxy reads them."""
    issuer = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    issuer_key = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=90))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]
    )
    pem = serialization.Encoding.PEM
    return made.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def passing(path: str) -> str:
    """Lets a path through to the engine, past the question for a key."""
    return f"/^frontend gateway/a http-request allow if {{ path {path} }}\\nuse_backend alpha if {{ path {path} }}"


# What some doors do before they look: the path is tidied, and leads elsewhere then.
TIDY = (
    "/^frontend gateway/a http-request set-var(txn.detour) bool(true) if { path /v1/../slots }\\n"
    "http-request set-path /slots if { var(txn.detour) -m bool }\\n"
    "http-request allow if { var(txn.detour) -m bool }\\n"
    "use_backend alpha if { var(txn.detour) -m bool }"
)


@pytest.mark.parametrize(
    ("spoil", "check", "where", "found"),
    [
        pytest.param(flushed, "port", f"port {LISTENER}", "HTTP without TLS, status 200", id="flushed rules"),
        pytest.param(
            rule("forward", "accept"), "port", f"port {ENGINE}", "an inference engine", id="published container"
        ),
        pytest.param(rule("input", "meta nfproto ipv6 accept"), "port", f"]:{LISTENER}", "HTTP", id="open IPv6"),
        pytest.param(
            rule("input", f"tcp dport {LISTENER} accept"), "port", f"port {LISTENER}", "SimpleHTTP", id="listener"
        ),
        pytest.param(
            rule("input", f"tcp dport {DOCKER} accept"), "port", f"port {DOCKER}", "the Docker API", id="Docker API"
        ),
        pytest.param(
            gateway(passing("/v1/chat/completions")),
            "key",
            "/v1/chat/completions",
            "without a key it answered 200",
            id="no key",
        ),
        pytest.param(
            gateway("s/http-request redirect prefix .*/http-request return status 200/"),
            *("plain_http", "port 443", "it answered 200 to HTTP without TLS"),
            id="plain HTTP",
        ),
        pytest.param(
            gateway("s/ssl-min-ver TLSv1.2/ssl-min-ver TLSv1.0/; s/(ssl-default-bind-ciphers ).*/\\1ALL:@SECLEVEL=0/"),
            *("tls", "port 443", "it accepts TLS 1.0, TLS 1.1 for hearth.test"),
            id="outdated TLS",
        ),
        pytest.param(certificate("hearth.test", -1), "certificate", "port 443", "has expired", id="expired"),
        pytest.param(certificate("hearth.test", 3), "certificate", "port 443", "ends in 3 days", id="expires soon"),
        pytest.param(
            certificate("other.hearth.test", 90), "certificate", "port 443", "is not for that name", id="name"
        ),
        pytest.param(
            gateway("/^frontend gateway/a http-request use-service prometheus-exporter if { path /metrics }"),
            *("path", "GET /metrics at", "it answered 200"),
            id="metrics",
        ),
        pytest.param(gateway(passing("/slots")), "path", "GET /slots at", "it answered 200", id="slots"),
        pytest.param(
            gateway(TIDY),
            "path",
            "GET /v1/../slots at",
            "instead of refusing",
            id="slots by a detour",
        ),
    ],
)
def test_a_spoiled_host_is_not_proven_and_what_spoils_it_is_named(
    prove: Prove, victim: Victim, spoil: Callable[[Victim], Any], check: str, where: str, found: str
) -> None:
    with spoil(victim):
        result = prove()
    assert not result["proven"]
    named = [finding for finding in result["findings"] if where in finding["where"] and found in finding["found"]]
    assert [finding["check"] for finding in named if finding["remedy"]], result["table"]
    assert {finding["check"] for finding in named} == {check}


def test_after_all_that_the_host_is_good_again(prove: Prove) -> None:
    assert prove()["findings"] == []
