# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry of images on this machine: tokens, indexes, single manifests, blobs that lie on another host, and what goes wrong.

It says what Docker Hub, ghcr.io and Debian's docker-registry say, by the specification of the distribution API.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
USER, PASSWORD, TOKEN = "reader", "correct-horse-battery", "token-of-the-registry"


class Asked(NamedTuple):
    method: str
    path: str
    authorization: str


class Registry:
    """`asked` is every request. With `closed` a token is wanted, and with `password` one is given to who proves himself alone."""

    def __init__(self, *, closed: bool = False, password: bool = False) -> None:
        self.closed, self.password = closed, password
        self.asked: list[Asked] = []
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        # By the end of a path: what is answered in its place, as status, headers and body.
        self.instead: dict[str, tuple[int, dict[str, str], bytes]] = {}
        # Where blobs lie, if it is not here.
        self.elsewhere = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def push(
        self, repository: str, tag: str, *, created: str, platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    ) -> str:
        """An image for these platforms under a tag, which moves. Its digest."""
        entries = []
        for platform in platforms:
            digest, size = self.push_manifest(repository, platform, created)
            system, architecture = platform.split("/")
            entries.append(
                {
                    "mediaType": MANIFEST,
                    "digest": digest,
                    "size": size,
                    "platform": {"os": system, "architecture": architecture},
                }
            )
        # What proves how an image was made, as BuildKit writes it beside it.
        entries.append(
            {
                "mediaType": MANIFEST,
                "digest": entries[0]["digest"],
                "size": 1,
                "platform": {"os": "unknown", "architecture": "unknown"},
            }
        )
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return self._keep(repository, tag, INDEX, json.dumps(index).encode())

    def push_manifest(self, repository: str, platform: str, created: str, tag: str = "") -> tuple[str, int]:
        system, architecture = platform.split("/")
        config = json.dumps({"created": created, "os": system, "architecture": architecture}).encode()
        config_digest = digest_of(config)
        self.blobs[config_digest] = config
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"digest": config_digest, "size": len(config)},
            "layers": [],
        }
        data = json.dumps(manifest).encode()
        return self._keep(repository, tag, MANIFEST, data), len(data)

    def push_schema_1(self, repository: str, tag: str) -> None:
        self._keep(repository, tag, SCHEMA_1, json.dumps({"schemaVersion": 1, "name": repository, "tag": tag}).encode())

    def _keep(self, repository: str, tag: str, kind: str, data: bytes) -> str:
        digest = digest_of(data)
        for name in filter(None, (tag, digest)):
            self.manifests[repository, name] = (kind, data)
        return digest

    def answer(self, method: str, target: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(Asked(method, target, authorization))
        path = urlsplit(target).path
        for end, answer in self.instead.items():
            if path.endswith(end):
                return answer
        if path == "/token":
            return self._token(target, authorization)
        if self.closed and authorization != f"Bearer {TOKEN}":
            repository = path.removeprefix("/v2/").rpartition("/")[0].rpartition("/")[0]
            said = f'Bearer realm="{self.url}/token",service="registry",scope="repository:{repository}:pull"'
            return 401, {"WWW-Authenticate": said}, error("UNAUTHORIZED", "authentication required")
        head, _slash, wanted = path.removeprefix("/v2/").rpartition("/")
        repository, _slash, kind = head.rpartition("/")
        if kind == "manifests" and (repository, wanted) in self.manifests:
            media, data = self.manifests[repository, wanted]
            return 200, {"Content-Type": media, "Docker-Content-Digest": digest_of(data)}, data
        if kind == "blobs" and wanted in self.blobs:
            if self.elsewhere:
                return 307, {"Location": f"{self.elsewhere}{path}"}, b""
            return 200, {"Content-Type": "application/octet-stream"}, self.blobs[wanted]
        return 404, {}, error("MANIFEST_UNKNOWN", "manifest unknown")

    def _token(self, target: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        proof = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        scope = parse_qs(urlsplit(target).query).get("scope", [""])[0]
        if (self.password and authorization != proof) or not scope.endswith(":pull"):
            return 401, {}, error("UNAUTHORIZED", "incorrect username or password")
        return 200, {"Content-Type": "application/json"}, json.dumps({"token": TOKEN, "expires_in": 300}).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_HEAD(self) -> None:
            self._serve()

        def _serve(self) -> None:
            status, headers, data = registry.answer(self.command, self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return Handler
