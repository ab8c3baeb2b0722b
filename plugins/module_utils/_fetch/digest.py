# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 whose state can be put down and taken up again.

A download that is resumed at 290 of 300 GB should not read 290 GB again only to know the hash. hashlib keeps its state to itself; the
library below it (OpenSSL) does not: SHA256_CTX is a public structure of numbers that has not changed since 1998. Where that library
cannot be reached, or FIPS forbids its low-level calls, the prefix is read again while the rest is downloaded.
"""

from __future__ import annotations

import binascii
import ctypes
import hashlib
from typing import Any

# 112 bytes today; a longer future structure would fail the self-test, not overwrite our memory.
_CONTEXT_BYTES = 112
_ROOM_BYTES = 512


def _fips() -> bool:
    try:
        with open("/proc/sys/crypto/fips_enabled", encoding="ascii") as stream:
            return stream.read().strip() == "1"
    except OSError:
        return False


def _library() -> Any:
    """The very libcrypto that hashlib uses, or None where its state cannot be had."""
    if _fips():
        return None
    try:
        import _hashlib

        library = ctypes.CDLL(_hashlib.__file__)
        for name, arguments in (
            ("SHA256_Init", [ctypes.c_void_p]),
            ("SHA256_Update", [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]),
            ("SHA256_Final", [ctypes.c_void_p, ctypes.c_void_p]),
        ):
            getattr(library, name).argtypes = arguments
        return library if _works(library) else None
    except (ImportError, AttributeError, OSError):
        return None


def _works(library: Any) -> bool:
    """Puts a state down in the middle of a block, takes it up in another place, and compares with hashlib."""
    head, tail = b"h" * 100, b"t" * 200
    first = _Context(library)
    first.update(memoryview(bytearray(head)))
    second = _Context(library)
    second.restore(first.state())
    second.update(memoryview(bytearray(tail)))
    return second.hexdigest() == hashlib.sha256(head + tail).hexdigest()


class _Context:
    def __init__(self, library: Any) -> None:
        self._library = library
        self._memory = ctypes.create_string_buffer(_ROOM_BYTES)
        library.SHA256_Init(self._memory)

    def update(self, view: memoryview) -> None:
        if not view.nbytes:
            return
        # ctypes lets go of the interpreter lock while the library works.
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        self._library.SHA256_Update(self._memory, address, view.nbytes)

    def state(self) -> bytes:
        return self._memory.raw[:_CONTEXT_BYTES]

    def restore(self, state: bytes) -> None:
        ctypes.memmove(self._memory, state, _CONTEXT_BYTES)

    def hexdigest(self) -> str:
        copy = ctypes.create_string_buffer(self._memory.raw, _ROOM_BYTES)
        out = ctypes.create_string_buffer(32)
        self._library.SHA256_Final(out, copy)
        return binascii.hexlify(out.raw).decode("ascii")


_LIBRARY = _library()


class Digest:
    """SHA-256 of the first `position` bytes of a file, fed in order."""

    def __init__(self) -> None:
        self.position = 0
        self._context = _Context(_LIBRARY) if _LIBRARY else None
        self._plain = None if self._context else hashlib.sha256()

    def update(self, view: memoryview) -> None:
        if self._context:
            self._context.update(view)
        elif self._plain:
            self._plain.update(view)
        self.position += view.nbytes

    def hexdigest(self) -> str:
        hasher = self._context or self._plain
        return hasher.hexdigest() if hasher else ""

    def save(self) -> dict[str, Any] | None:
        """What `load` needs to go on from here, or None where the state cannot be had."""
        if not self._context:
            return None
        return {"position": self.position, "state": binascii.hexlify(self._context.state()).decode("ascii")}

    @classmethod
    def load(cls, saved: dict[str, Any] | None) -> Digest:
        """The digest as it was saved, or a new one that has to read from the start."""
        digest = cls()
        if not saved or not digest._context:
            return digest
        state = binascii.unhexlify(saved["state"])
        if len(state) == _CONTEXT_BYTES:
            digest._context.restore(state)
            digest.position = int(saved["position"])
        return digest


class GitDigest:
    """The name that git gives to a file's content: how the hub identifies what is not in large-file storage."""

    def __init__(self, size: int) -> None:
        self._sha1 = hashlib.sha1(b"blob %d\0" % size)

    def update(self, view: memoryview) -> None:
        self._sha1.update(view)

    def hexdigest(self) -> str:
        return self._sha1.hexdigest()
