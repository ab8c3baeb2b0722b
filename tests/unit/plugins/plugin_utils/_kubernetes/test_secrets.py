# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose secrets a cluster has is read from the gateway's Secret, and nothing of it is secret any more."""

from __future__ import annotations

import hashlib

from ansible_collections.hearth.llm.plugins.plugin_utils._kubernetes.secrets import deployed_with, secret

KEY, ENGINE = hashlib.sha256(b"sk-hearth-office").hexdigest(), "the-key-of-the-engines"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def test_what_was_written_is_read_as_public_texts_and_hashes() -> None:
    files = [
        {"path": "ca.pem", "content": CERTIFICATE},
        {"path": "gateway.pem", "secret_content": CERTIFICATE + "-----BEGIN PRIVATE KEY-----\nsecret\n"},
        {"path": "keys.map", "content": f"{KEY} office\n"},
        {"path": "ends.map", "content": f"{KEY} 1900000000\n"},
        {"path": "engine.map", "secret_content": f"engine {ENGINE}\n"},
    ]
    assert deployed_with(secret(files, "gateway", "hearth")["data"]) == {
        "authority": CERTIFICATE,
        "certificate": CERTIFICATE,
        "api_keys": [{"sha256": KEY, "name": "office", "ends": 1900000000}],
        "engine_key": hashlib.sha256(ENGINE.encode()).hexdigest(),
    }


def test_a_cluster_without_a_gateway_was_deployed_with_nothing() -> None:
    assert deployed_with({}) == {}
