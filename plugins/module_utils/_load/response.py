# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer of HTTP/1.1, read as its bytes come, wherever they are cut. PRIVATE to the collection."""

from __future__ import annotations

from typing import Callable

_LONGEST_HEAD = 65536
_LONGEST_SIZE = 1024


class BrokenAnswerError(Exception):
    """What came is no HTTP."""


class Response:
    """`on_body` is told each piece of the body. `done` once it is whole."""

    def __init__(self, on_body: Callable[[bytes], None]) -> None:
        self._on_body = on_body
        self._waiting = b""
        self._read: Callable[[], bool] = self._head
        # Bytes that are left of the body, or of the piece of it.
        self._left = 0
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}
        self.keep_alive = False
        self.until_close = False
        self.done = False

    def feed(self, data: bytes) -> None:
        self._waiting = self._waiting + data if self._waiting else data
        while not self.done and self._read():
            pass
        if self.done and self._waiting:
            raise BrokenAnswerError("more came than the answer was to have")

    def end(self) -> bool:
        """The connection is closed. Whether the answer is whole."""
        if self.until_close and not self.done:
            self.done = True
        return self.done

    def _line(self, longest: int, what: str) -> bytes | None:
        end = self._waiting.find(b"\n")
        if end < 0:
            if len(self._waiting) > longest:
                raise BrokenAnswerError(f"{what} is longer than {longest} bytes")
            return None
        line, self._waiting = self._waiting[:end].rstrip(b"\r"), self._waiting[end + 1 :]
        return line

    def _head(self) -> bool:
        ends = [place for place in (self._waiting.find(b"\r\n\r\n"), self._waiting.find(b"\n\n")) if place >= 0]
        if not ends:
            if len(self._waiting) > _LONGEST_HEAD:
                raise BrokenAnswerError(f"the head is longer than {_LONGEST_HEAD} bytes")
            if self._waiting and not b"HTTP/1.".startswith(self._waiting[:7]):
                raise BrokenAnswerError(f"it begins with {self._waiting[:20]!r} and not with HTTP/1.1")
            return False
        end = min(ends)
        lines = self._waiting[:end].decode("latin-1").splitlines()
        self._waiting = self._waiting[end + (4 if self._waiting[end : end + 1] == b"\r" else 2) :]
        version, _blank, rest = lines[0].partition(" ")
        status, _blank, self.reason = rest.partition(" ")
        if not version.startswith("HTTP/1.") or not status.isdigit():
            raise BrokenAnswerError(f"it begins with {lines[0][:40]!r} and not with HTTP/1.1")
        self.status = int(status)
        if 100 <= self.status < 200:
            # The answer follows.
            return True
        self.headers = {
            name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])
        }
        connection = self.headers.get("connection", "").lower()
        self.keep_alive = "close" not in connection and (version != "HTTP/1.0" or "keep-alive" in connection)
        self._begin_body()
        return True

    def _begin_body(self) -> None:
        if self.status in (204, 304):
            self.done = True
        elif "chunked" in self.headers.get("transfer-encoding", "").lower():
            self._read = self._size
        elif "content-length" in self.headers:
            length = self.headers["content-length"]
            if not length.isdigit():
                raise BrokenAnswerError(f"its Content-Length is {length[:20]!r}")
            self._left = int(length)
            self._read = self._sized
            self.done = not self._left
        else:
            self.until_close, self.keep_alive = True, False
            self._read = self._rest

    def _size(self) -> bool:
        line = self._line(_LONGEST_SIZE, "the size of a piece")
        if line is None:
            return False
        try:
            self._left = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            raise BrokenAnswerError(f"the size of a piece is {line[:20]!r}") from None
        self._read = self._piece if self._left else self._trailer
        return True

    def _piece(self) -> bool:
        if not self._take():
            return False
        self._read = self._end_of_piece
        return True

    def _end_of_piece(self) -> bool:
        line = self._line(_LONGEST_SIZE, "the end of a piece")
        if line:
            raise BrokenAnswerError("a piece is longer than its size says")
        if line is not None:
            self._read = self._size
        return line is not None

    def _trailer(self) -> bool:
        line = self._line(_LONGEST_HEAD, "the trailer")
        if line == b"":
            self.done = True
        return line is not None

    def _sized(self) -> bool:
        self.done = self._take()
        return False

    def _rest(self) -> bool:
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._on_body(waiting)
        return False

    def _take(self) -> bool:
        """Hands on what is there of the piece. Whether that was all of it."""
        piece, self._waiting = self._waiting[: self._left], self._waiting[self._left :]
        self._left -= len(piece)
        if piece:
            self._on_body(piece)
        return not self._left
