# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may enter a host, how the host proves itself, and whom it trusts: files that are put into it before it starts."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from lab import authority
from lab.cache import directory, locked
from lab.shell import run

ADMIN = 1000  # user and group, as the images make them


def key() -> Path:
    """The private key that opens all hosts of the lab, made once."""
    path = directory("ssh") / "id_ed25519"
    with locked("ssh"):
        if not path.exists():
            _generate(path)
    return path


def archive(address: str, known_hosts: Path) -> bytes:
    """An archive for a new host's root directory; writes what a client must know of its new key."""
    host_key = known_hosts.with_name("ssh_host_ed25519_key")
    for stale in (host_key, _public(host_key)):
        stale.unlink(missing_ok=True)
    _generate(host_key)
    known_hosts.write_text(f"{address} {_public(host_key).read_text()}")

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as files:
        _add(files, "etc/ssh/ssh_host_ed25519_key", host_key.read_bytes(), 0o600)
        _add(files, "home/admin/.ssh/authorized_keys", _public(key()).read_bytes(), 0o600, ADMIN)
        # In force at once, and again after an update-ca-certificates of the host's own.
        _add(files, "etc/ssl/certs/ca-certificates.crt", _trusted(), 0o644)
        _add(files, "usr/local/share/ca-certificates/lab.crt", _trusted(), 0o644)
        if proxies := _proxies():
            _add(files, "etc/apt/apt.conf.d/95lab-proxy", proxies, 0o644)
    return stream.getvalue()


def _trusted() -> bytes:
    """The lab's authority, and those of the controller: behind an inspecting proxy, hosts need them as well."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
    return authority.ensure().certificate.read_bytes() + (bundle.read_bytes() if bundle.is_file() else b"")


def _proxies() -> bytes:
    settings = ((scheme, os.environ.get(f"{scheme}_proxy")) for scheme in ("http", "https"))
    return "".join(f'Acquire::{scheme}::Proxy "{proxy}";\n' for scheme, proxy in settings if proxy).encode()


def _generate(path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hearth-lab", "-f", path)


def _public(path: Path) -> Path:
    return path.with_name(f"{path.name}.pub")


def _add(files: tarfile.TarFile, path: str, content: bytes, mode: int, owner: int = 0) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
    files.addfile(entry, io.BytesIO(content))
