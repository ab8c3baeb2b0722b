# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hub as a test holds it: what it has, what goes wrong, and what it was asked."""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fakes.hub.catalogue import Blob, Catalogue, Content
from fakes.hub.faults import Fault
from fakes.hub.handler import Handler, Seen


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_arguments: object) -> None:
        """A client that went away is no news."""


class Hub:
    def __init__(
        self,
        root: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
        signed_seconds: float = 3600.0,
        bytes_url: str = "",
    ) -> None:
        """Files of /files/ lie in <root>/files. `bytes_url`: where another server serves <root>/.blobs instead of our own CDN."""
        self.catalogue = Catalogue(root)
        self.root, self.signed_seconds, self.bytes_url = root, signed_seconds, bytes_url
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        # Tokens that the hub knows; which of them may read a gated repository is the repository's matter.
        self.tokens: set[str] = set()
        self.secret = b"signs the addresses"
        hub = self

        class BoundHandler(Handler):
            pass

        BoundHandler.hub = hub
        self._server = _Server((host, port), BoundHandler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.url: str = f"{scheme}://{host}:{self._server.server_address[1]}"

    def publish(self, repository: str, files: Mapping[str, Content], branch: str = "main") -> str:
        return self.catalogue.publish(repository, files, branch)

    def gate(self, repository: str, readers: Iterable[str], strangers: Iterable[str] = ()) -> None:
        """Only these tokens may read it; strangers are known to the hub, but have not accepted the conditions."""
        self.catalogue.repositories[repository].readers = set(readers)
        self.tokens.update(readers, strangers)

    def be_terse(self, repository: str, *, tell_etags: bool = False) -> None:
        """As mirrors that keep no record of large files (huggingface/huggingface_hub#1796): names are listed without sizes and hashes, and files are served by
        the mirror itself. `tell_etags`: with the hub's names for their content, as mirrors do that pass its headers on.
        """
        self.catalogue.repositories[repository].terse = "etags" if tell_etags else "names"

    def fault(self, pattern: str, kind: str, **settings: Any) -> Fault:
        fault = Fault(pattern, kind, **settings)
        self.faults.append(fault)
        return fault

    def sent(self, pattern: str = "*") -> int:
        """Bytes of bodies that were handed to the network."""
        return sum(seen.sent for seen in list(self.seen) if fnmatch.fnmatchcase(seen.target, pattern))

    def requests(self, pattern: str = "*") -> list[Seen]:
        return [seen for seen in list(self.seen) if fnmatch.fnmatchcase(seen.target, pattern)]

    def forget(self) -> None:
        """Begins counting anew."""
        self.seen.clear()

    def signed(self, blob: Blob) -> str:
        base = self.bytes_url or f"{self.url}/cdn"
        expires = str(time.time() + self.signed_seconds)
        return f"{base}/{blob.sha256}?Expires={expires}&Signature={self.signature(blob.sha256, expires)}"

    def signature(self, sha256: str, expires: str) -> str:
        return hmac.new(self.secret, f"{sha256} {expires}".encode(), hashlib.sha256).hexdigest()

    def serve_forever(self) -> None:
        self._server.serve_forever(0.05)

    def __enter__(self) -> Hub:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
