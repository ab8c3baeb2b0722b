# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's own package repository, laid out, signed and served as the real one.

What is in its packages is Debian's engine, under upstream's names and versions.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from lab.hosts import Host
from lab.packages import provide
from lab.shell import run

# Debian's package → upstream's.
NAMES = {"docker.io": "docker-ce", "docker-cli": "docker-ce-cli", "containerd": "containerd.io"}
# Run on a host of the suite: Debian's packages conflict with upstream's, so that they have to become them.
REPACK = """
cd /srv
apt-get --quiet update
apt-get --quiet download {old}
dpkg-deb --raw-extract {old}_*.deb tree
sed --in-place tree/DEBIAN/control \
    --expression '/^Conflicts:\\|^Breaks:\\|^Replaces:\\|^Recommends:\\|^Suggests:\\|^Provides:/d' \
    --expression 's/^Package:.*/Package: {new}/' --expression 's/containerd (>= [^)]*)/containerd.io/'
for version in {versions}; do
    sed --in-place "s/^Version:.*/Version: 5:$version-1~debian/" tree/DEBIAN/control
    dpkg-deb --build -Zgzip -z1 tree {new}_$version.deb
done
rm --recursive tree {old}_*.deb
"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing: what was asked is seen by what was installed."""


@contextmanager
def serve(directory: Path, address: str, host: Host, suite: str, versions: Sequence[str]) -> Iterator[str]:
    """The repository of one suite of Debian with these versions of the engine, and its URL. The host lends its apt."""
    root = directory / "debian"
    root.mkdir()
    for old, new in NAMES.items():
        host.execute("sh", "-ec", REPACK.format(old=old, new=new, versions=" ".join(versions)))
    run("docker", "cp", f"{host.container}:/srv", root / "pool")
    host.execute("sh", "-ec", "rm /srv/*.deb")
    _sign(root, suite, _index(root, suite))
    handler = functools.partial(_Handler, directory=str(directory))
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{address}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _index(root: Path, suite: str) -> dict[str, bytes]:
    """The list of packages, by where it lies below the suite's directory."""
    stanzas = []
    for path in sorted(root.glob("pool/*.deb")):
        content = path.read_bytes()
        control = run("dpkg-deb", "--field", path)
        digest = hashlib.sha256(content).hexdigest()
        stanzas.append(f"{control}Filename: pool/{path.name}\nSize: {len(content)}\nSHA256: {digest}\n")
    packages = "\n".join(stanzas).encode()
    where = f"stable/binary-{run('dpkg', '--print-architecture').strip()}/Packages"
    files = {where: packages, f"{where}.gz": gzip.compress(packages)}
    for name, content in files.items():
        path = root / "dists" / suite / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def _sign(root: Path, suite: str, files: dict[str, bytes]) -> None:
    release = root / "dists" / suite / "Release"
    sums = [f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}" for name, content in files.items()]
    head = ["Origin: Docker", f"Suite: {suite}", f"Codename: {suite}", "Components: stable"]
    release.write_text("\n".join([*head, f"Date: {formatdate(usegmt=True)}", "SHA256:", *sums]) + "\n")
    provide("gpg")
    home = root / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", home, "--batch", "--passphrase", "")
    run(*gpg, "--quick-generate-key", "Docker Release <nobody@example.org>", "rsa3072", "sign", "never")
    run(*gpg, "--armor", "--output", root / "gpg", "--export")
    run(*gpg, "--digest-algo", "SHA512", "--clearsign", "--output", release.with_name("InRelease"), release)
    run("gpgconf", "--homedir", home, "--kill", "all")
    shutil.rmtree(home)
