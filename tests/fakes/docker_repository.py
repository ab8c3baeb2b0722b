# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's own package repository, laid out, signed and served as the real one.

What is in its packages is Debian's engine, under upstream's names and versions.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fakes import deb_repository
from lab.hosts import Host
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
    dpkg-deb --build -Znone tree {new}_$version.deb
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
        # containerd has versions of its own, and nobody asks for one.
        given = versions[:1] if old == "containerd" else versions
        host.execute("sh", "-ec", REPACK.format(old=old, new=new, versions=" ".join(given)))
    run("docker", "cp", f"{host.container}:/srv", root / "pool")
    host.execute("sh", "-ec", "rm /srv/*.deb")
    packages = deb_repository.listing(root, root.glob("pool/*.deb"))
    where = f"stable/binary-{run('dpkg', '--print-architecture').strip()}/Packages"
    head = ["Origin: Docker", f"Suite: {suite}", f"Codename: {suite}", "Components: stable"]
    files = {where: packages, f"{where}.gz": gzip.compress(packages)}
    deb_repository.sign(root / "dists" / suite, files, head, root / "gpg")
    handler = functools.partial(_Handler, directory=str(directory))
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{address}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
