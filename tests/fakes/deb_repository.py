# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories of Debian packages: listed and signed as apt wants them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.packages import provide
from lab.shell import run


def listing(root: Path, packages: Iterable[Path]) -> bytes:
    """What apt reads of packages; their names are relative to the root."""
    stanzas = []
    for path in sorted(packages):
        content = path.read_bytes()
        control = run("dpkg-deb", "--field", path)
        digest = hashlib.sha256(content).hexdigest()
        stanzas.append(f"{control}Filename: {path.relative_to(root)}\nSize: {len(content)}\nSHA256: {digest}\n")
    return "\n".join(stanzas).encode()


def sign(directory: Path, files: Mapping[str, bytes], head: Sequence[str], key: Path) -> str:
    """Write these files and a signed Release into a directory, the key that was made for it into a file; its fingerprint."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    release = directory / "Release"
    sums = [f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}" for name, content in files.items()]
    release.write_text("\n".join([*head, f"Date: {formatdate(usegmt=True)}", "SHA256:", *sums]) + "\n")
    provide("gpg")
    # gpg-agent removes its sockets when it likes, also while we do.
    with TemporaryDirectory(ignore_cleanup_errors=True) as home:
        gpg = ("gpg", "--homedir", home, "--batch", "--passphrase", "")
        run(*gpg, "--quick-generate-key", "Lab <nobody@example.org>", "rsa3072", "sign", "never")
        run(*gpg, "--armor", "--output", key, "--export")
        run(*gpg, "--digest-algo", "SHA512", "--clearsign", "--output", release.with_name("InRelease"), release)
        (fingerprint,) = re.findall(r"^fpr:+(\w+):", run(*gpg, "--with-colons", "--fingerprint"), re.MULTILINE)
        run("gpgconf", "--homedir", home, "--kill", "all")
    return str(fingerprint)
