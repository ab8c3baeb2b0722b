# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.filter.openpgp_fingerprints import openpgp_fingerprints


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """GnuPG with two keys of different kinds."""
    if not shutil.which("gpg"):
        pytest.skip("GnuPG is not installed")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    command = ("gpg", "--homedir", str(home), "--batch", "--passphrase", "")
    for kind in ("rsa3072", "ed25519"):
        subprocess.run([*command, "--quick-generate-key", f"{kind} <a@example.org>", kind, "sign", "never"], check=True)
    yield command
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("form", ["--armor", "--no-armor"])
def test_the_fingerprints_are_those_that_gnupg_sees(gpg: tuple[str, ...], form: str) -> None:
    exported = subprocess.run([*gpg, form, "--export"], check=True, capture_output=True).stdout
    listed = subprocess.run([*gpg, "--with-colons", "--fingerprint"], check=True, capture_output=True, text=True).stdout
    expected = re.findall(r"^pub.*\nfpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
    assert len(expected) == 2
    assert openpgp_fingerprints(encoded(exported)) == expected


def test_distributions_keyrings_are_read() -> None:
    path = Path("/usr/share/keyrings/debian-archive-bookworm-stable.gpg")
    if not path.exists():
        pytest.skip("this is not Debian")
    assert openpgp_fingerprints(encoded(path.read_bytes())) == ["4D64FEC119C2029067D6E791F8D2585B8783D481"]


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\x99", b"\xc6\xff\x00"])
def test_what_is_no_key_has_no_fingerprint(content: bytes) -> None:
    assert openpgp_fingerprints(encoded(content)) == []
