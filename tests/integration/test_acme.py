# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that an ACME server gives: Pebble is asked for real, and the gateway answers its challenges."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from fakes import ports
from fakes.acme import Acme
from fakes.engine import Engine
from integration.conftest import PROJECT, Outcome, Runner
from integration.gateway.description import HAPROXY, MESSAGES, Gateway
from lab import packages


class Shop(Gateway):
    """A gateway that is deployed as an operator does it, by the playbook."""

    def __init__(self, directory: Path, engine: Engine) -> None:
        super().__init__(directory, Runner(directory), engine, engine)
        self.acme = Acme(directory, (ports.free(), ports.free(), ports.free(), ports.free()), self.redirect_port)
        self._root = directory / "root.pem"

    def start_acme(self) -> None:
        self.acme.start()
        with self._root.open("ab") as trusted:
            trusted.write(self.acme.root())

    @property
    def authority(self) -> Path:
        return self._root

    @property
    def certificate(self) -> x509.Certificate:
        """What a client is shown that trusts the ACME server's CA."""
        connection = self.connect()
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True)
        connection.close()
        assert isinstance(shown, bytes)
        return x509.load_der_x509_certificate(shown)

    def deploy(self, *options: str, succeeds: bool = True, **variables: Any) -> Outcome:
        server = {
            "directory": self.acme.directory_url,
            "server_authority": str(self.acme.server_authority),
            "contacts": ["shop@example.com"],
            "terms_agreed": True,
        }
        description = {
            "hearth_runtime": "process",
            "hearth_directory": str(self.directory / "h"),
            "hearth_secrets_directory": str(self.directory / "secrets"),
            "hearth_address": "127.0.0.1",
            "hearth_port": self.port,
            "hearth_tls": {"source": "acme", "authority": str(self._root), "acme": server},
            "hearth_api_keys": [{"name": "all"}],
            "gateway_program": HAPROXY,
            "gateway_redirect_port": self.redirect_port,
            "gateway_metrics_port": self.metrics_port,
            "gateway_models": self.models,
            **variables,
        }
        self.run_playbook.hosts({"shop": description})
        return self.run_playbook(PROJECT / "playbooks/deploy_gateway.yml", *options, succeeds=succeeds)

    def remove(self) -> None:
        self.run_playbook.hosts({"localhost": {}})
        self.describe(gateway_state="absent")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Iterator[Shop]:
    packages.provide("haproxy", "pebble")
    shop = Shop(tmp_path, engine)
    shop.start_acme()
    try:
        yield shop
    finally:
        shop.remove()
        shop.acme.stop()


def test_a_certificate_is_got_and_renewed_while_a_stream_runs_and_kept_when_the_server_is_gone(
    shop: Shop, engine: Engine
) -> None:
    dry = shop.deploy("--check", "--diff")
    assert "acme/shop.pem: there is none yet" in dry.words
    assert not (shop.directory / "secrets").exists(), "a dry run wrote something"

    shop.deploy()
    first = shop.certificate
    assert "Pebble" in first.issuer.rfc4514_string()
    assert shop.complete({"model": "alpha", "messages": MESSAGES}).status == 200
    assert shop.deploy().changed == 0
    assert shop.deploy("--check", "--diff").changed == 0

    # Pebble's certificates are valid for five years; a renewal is due because more is asked for.
    engine.go.clear()
    stream = shop.openai().chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    assert next(stream).choices[0].delta.content == "one"
    shop.deploy(certificates_renew_before_days=4000)
    renewed = shop.certificate
    assert renewed.serial_number != first.serial_number
    engine.go.set()
    assert [chunk.choices[0].delta.content for chunk in stream if chunk.choices], "the stream was cut"

    shop.acme.stop()
    failed = shop.deploy(certificates_renew_before_days=4000, succeeds=False)
    assert f"The ACME server {shop.acme.directory_url} does not answer" in failed.words
    assert shop.certificate.serial_number == renewed.serial_number
    assert shop.complete({"model": "alpha", "messages": MESSAGES}).status == 200

    shop.start_acme()
    shop.deploy(certificates_renew_before_days=4000)
    assert shop.certificate.serial_number not in (first.serial_number, renewed.serial_number)


def test_only_challenges_are_answered_without_tls(shop: Shop) -> None:
    shop.deploy()
    for path, status in {
        "/.well-known/acme-challenge/some-token_1": 200,
        "/.well-known/acme-challenge/": 308,
        "/.well-known/acme-challenge/a/b": 308,
        "/.well-known/acme-challenge/%0d%0a": 308,
        "/v1/models": 308,
    }.items():
        connection = http.client.HTTPConnection("127.0.0.1", shop.redirect_port)
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == status, path
        body = response.read().decode()
        assert body.startswith("some-token_1.") if status == 200 else body == ""


def test_what_cannot_be_proven_is_refused_before_anything_is_done(shop: Shop) -> None:
    tls = {"source": "acme", "acme": {"terms_agreed": True}, "names": ["192.168.1.5"]}
    assert "192.168.1.5 is none that http-01 can prove" in shop.deploy(hearth_tls=tls, succeeds=False).words
    assert (
        "hearth_tls.acme.terms_agreed is not true" in shop.deploy(hearth_tls={"source": "acme"}, succeeds=False).words
    )
    assert not (shop.directory / "secrets").exists()
