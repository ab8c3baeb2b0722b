# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority: hosts trust it as those of a company trust the company's, and so the hub is HTTPS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.cache import directory, locked
from lab.shell import run

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: Path
    key: Path


def ensure() -> Pair:
    """The authority, made once."""
    pair = _pair(directory("authority"), "ca")
    with locked("authority"):
        if not pair.certificate.exists():
            _request("/CN=hearth-lab", 3650, pair)
    return pair


def certify(address: str, target: Path) -> Pair:
    """A new certificate for an IP address, in the target directory."""
    authority, pair = ensure(), _pair(target, "server")
    signed = ("-CA", authority.certificate, "-CAkey", authority.key)
    leaf = ("-addext", f"subjectAltName=IP:{address}", "-addext", "basicConstraints=critical,CA:FALSE")
    _request(f"/CN={address}", 30, pair, *signed, *leaf)
    return pair


def _request(subject: str, days: int, pair: Pair, *options: str | Path) -> None:
    files = ("-out", pair.certificate, "-keyout", pair.key)
    run("openssl", "req", "-x509", *NEW_KEY, "-subj", subject, "-days", str(days), *files, *options)


def _pair(target: Path, name: str) -> Pair:
    return Pair(target / f"{name}.pem", target / f"{name}.key")
