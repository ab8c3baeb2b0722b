# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of llama.cpp's RPC as ggml-rpc-server of llama.cpp 0.7.0 (protocol 8.0.0) was seen to be, as far as its beginning goes.

It serves one client at a time, and lets two more wait in the kernel's queue. HELLO is answered by 28 bytes, the number of devices by 4, their memory by 16.
"""

from __future__ import annotations

import socket
import struct
import threading

MEMORY = 24 << 30


class RpcWorker:
    def __init__(self, version: tuple[int, int, int] = (8, 0, 0), port: int = 0) -> None:
        self._version = version
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1)
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._client: socket.socket | None = None
        self._is_there = True
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self._is_there:
            try:
                self._client, _ = self._listener.accept()
                self._answer(self._client)
            except OSError:
                continue

    def _answer(self, client: socket.socket) -> None:
        with client:
            while header := client.recv(9, socket.MSG_WAITALL):
                (length,) = struct.unpack("<Q", header[1:])
                client.recv(length, socket.MSG_WAITALL)
                answer = {
                    14: bytes([*self._version, 0]) + bytes(24),
                    15: struct.pack("<I", 1),
                    11: struct.pack("<QQ", MEMORY, MEMORY),
                }[header[0]]
                client.sendall(struct.pack("<Q", len(answer)) + answer)

    def die(self) -> None:
        """As a process that is killed: whoever is connected, or waits, is cut off."""
        if not self._is_there:
            return
        self._is_there = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._client is not None:
            try:
                self._client.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
