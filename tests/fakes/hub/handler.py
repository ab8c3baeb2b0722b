# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hub answers: its API, /resolve/ with its redirect to signed addresses, the CDN, and plain files under /files/."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from fakes.hub.catalogue import model_info
from fakes.hub.faults import Fault

if TYPE_CHECKING:
    from fakes.hub.server import Hub

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to continue</title></head><body>Please sign in.</body></html>"
_CHUNK = 1 << 18


@dataclass
class Seen:
    """One request, and how many bytes of a body were sent for it."""

    method: str
    target: str
    status: int
    start: int = 0
    sent: int = 0
    token: str = ""


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_arguments: object) -> None:
        """The record is hub.seen."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._api(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[2], found[3])
        elif found := re.fullmatch(r"/cdn/([0-9a-f]{64})", path):
            self._cdn(found[1], parse_qs(parts.query))
        elif found := re.fullmatch(r"/files/(.+)", path):
            self._plain(found[1])
        else:
            self._answer("other:" + path, 404, b"Not Found")

    def _api(self, repository: str, revision: str) -> None:
        target = f"api:{repository}"
        if self._refused(target) or not self._may_read(target, repository):
            return
        found = self.hub.catalogue.find(repository, revision)
        if found is None:
            self._error(target, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        known = self.hub.catalogue.repositories[repository]
        self._json(
            target, 200, model_info(repository, *found, gated=known.readers is not None, terse=bool(known.terse))
        )

    def _resolve(self, repository: str, revision: str, path: str) -> None:
        target = f"resolve:{repository}/{path}"
        if self._refused(target) or not self._may_read(target, repository):
            return
        found = self.hub.catalogue.find(repository, revision)
        if found is None:
            self._error(target, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        commit, files = found
        blob = files.get(path)
        if blob is None:
            self._error(target, 404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
            return
        terse = self.hub.catalogue.repositories[repository].terse
        if terse == "names":
            self._file(target, blob.file, blob.size, {})
            return
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not blob.large:
            self._file(target, blob.file, blob.size, {**headers, "ETag": f'"{blob.oid}"'})
            return
        headers.update(
            {"X-Linked-Size": str(blob.size), "X-Linked-Etag": f'"{blob.sha256}"', "Location": self.hub.signed(blob)}
        )
        self._answer(target, 302, b"Found. Redirecting", headers)

    def _cdn(self, sha256: str, query: Mapping[str, list[str]]) -> None:
        blob = self.hub.catalogue.by_sha256(sha256)
        target = f"cdn:{blob.repository}/{blob.path}" if blob else f"cdn:{sha256}"
        expires, signature = query.get("Expires", ["0"])[0], query.get("Signature", [""])[0]
        expired = float(expires) < time.time() or signature != self.hub.signature(sha256, expires)
        if self._refused(target):
            return
        if expired or self._fault(target, "expired"):
            self._answer(
                target,
                403,
                b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                kind="application/xml",
            )
        elif blob:
            self._file(target, blob.file, blob.size, {"ETag": f'"{blob.sha256}"'})
        else:
            self._answer(target, 404, b"NoSuchKey")

    def _plain(self, path: str) -> None:
        target, file = f"files:{path}", self.hub.root / "files" / path
        if self._refused(target):
            return
        if ".." in path or not file.is_file():
            self._answer(target, 404, b"Not Found")
            return
        status = file.stat()
        headers = {
            "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        }
        self._file(target, file, status.st_size, headers)

    def _may_read(self, target: str, repository: str) -> bool:
        known = self.hub.catalogue.repositories.get(repository)
        token = self._token()
        page = f"{self.hub.url}/{repository}"
        if token and token not in self.hub.tokens and self.hub.tokens:
            self._error(target, 401, "", "Invalid credentials in Authorization header")
        elif known is None:
            # The hub does not tell strangers what does not exist.
            self._error(target, 404 if token else 401, "RepoNotFound", "Repository not found")
        elif known.readers is None or token in known.readers:
            return True
        elif not token:
            self._error(
                target,
                401,
                "GatedRepo",
                f"Access to model {repository} is restricted. You must be authenticated to access it.",
            )
        else:
            self._error(
                target, 403, "GatedRepo", f"Access to model {repository} is restricted. Visit {page} to ask for access."
            )
        return False

    def _token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _fault(self, target: str, kind: str) -> Fault | None:
        return next((fault for fault in list(self.hub.faults) if fault.kind == kind and fault.strikes(target)), None)

    def _refused(self, target: str) -> bool:
        if fault := self._fault(target, "status"):
            headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after >= 0 else {}
            self._answer(target, fault.code, b"Come back later", headers)
            return True
        if self._fault(target, "html"):
            self._answer(target, 200, LOGIN_PAGE, kind="text/html; charset=utf-8")
            return True
        return False

    def _error(self, target: str, status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        said = {"X-Error-Code": code} if code else {}
        self._json(target, status, {"error": text}, {**said, "X-Error-Message": text, **(headers or {})})

    def _json(self, target: str, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self._answer(target, status, json.dumps(content).encode(), headers, "application/json; charset=utf-8")

    def _answer(
        self, target: str, status: int, body: bytes, headers: Mapping[str, str] | None = None, kind: str = "text/plain"
    ) -> None:
        self._begin(target, status, len(body), {"Content-Type": kind, **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, target: str, status: int, length: int, headers: Mapping[str, str], start: int = 0) -> Seen:
        seen = Seen(self.command, target, status, start, token=self._token())
        self.hub.seen.append(seen)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, quote(value, safe="/:?&=%#\"' ,;.()<>@+*-_[]!"))
        self.end_headers()
        return seen

    def _file(self, target: str, file: Path, size: int, headers: Mapping[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        if condition and condition not in (headers.get("ETag"), headers.get("Last-Modified")):
            asked = None
        start, end, status = 0, size, 200
        sent = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **headers}
        if asked and not self._fault(target, "no_ranges"):
            start, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
            if start >= size:
                self._answer(target, 416, b"", {"Content-Range": f"bytes */{size}"})
                return
            status = 206
            sent["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        seen = self._begin(target, status, end - start, sent, start)
        if self.command != "HEAD":
            self._body(target, seen, file, start, end)

    def _body(self, target: str, seen: Seen, file: Path, start: int, end: int) -> None:
        slow, corrupt = self._fault(target, "slow"), self._fault(target, "corrupt")
        cut, stall = self._fault(target, "cut"), self._fault(target, "stall")
        stop = min(end, start + cut.after) if cut else end
        pause_at = start + stall.after if stall else -1
        with file.open("rb") as stream:
            if not (slow or corrupt or stall) and not isinstance(self.connection, ssl.SSLSocket):
                seen.sent = self.connection.sendfile(stream, start, stop - start) if stop > start else 0
            else:
                self._paced(seen, stream, (start, stop), slow, corrupt, (pause_at, stall.seconds if stall else 0.0))
        if stop < end:
            self.close_connection = True

    def _paced(
        self,
        seen: Seen,
        stream: Any,
        span: tuple[int, int],
        slow: Fault | None,
        corrupt: Fault | None,
        pause: tuple[int, float],
    ) -> None:
        position, stop = span
        began, sent = time.monotonic(), 0
        stream.seek(position)
        step = min(_CHUNK, max(slow.rate // 50, 1024)) if slow else _CHUNK
        while position < stop:
            if pause[0] >= 0 and position >= pause[0]:
                time.sleep(pause[1])
                self.close_connection = True
                return
            length = min(step, stop - position)
            if pause[0] >= 0:
                length = min(length, max(pause[0] - position, 1))
            chunk = bytearray(stream.read(length))
            if corrupt and position <= corrupt.at < position + len(chunk):
                chunk[corrupt.at - position] ^= 0xFF
            self.connection.sendall(chunk)
            position += len(chunk)
            sent += len(chunk)
            seen.sent += len(chunk)
            if slow:
                time.sleep(max(0.0, began + sent / slow.rate - time.monotonic()))
