# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH server of the PC: commands, and nothing else that a client might ask of one."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import paramiko
from fakes.windows_ssh.pc import FAILED, Said, WindowsPc
from paramiko.common import MSG_CHANNEL_SUCCESS

CHUNK = 32768


@dataclass(frozen=True)
class Server:
    """Where it listens, and what a client needs to come in and to know that it is the right one."""

    address: str
    port: int
    private_key: Path
    known_hosts: Path


@contextmanager
def serve(pc: WindowsPc, directory: Path, address: str = "127.0.0.1") -> Iterator[Server]:
    """Answers until the block ends. Its keys lie in `directory`."""
    host_key, client_key = (paramiko.ECDSAKey.generate() for _key in range(2))
    private_key, known_hosts = directory / "id_windows", directory / "known_hosts"
    client_key.write_private_key_file(str(private_key))
    listener = socket.create_server((address, 0))
    port = listener.getsockname()[1]
    known_hosts.write_text(f"[{address}]:{port} {host_key.get_name()} {host_key.get_base64()}\n")
    transports: list[paramiko.Transport] = []
    accepting = threading.Thread(
        target=_accept, args=(listener, pc, host_key, client_key, transports), name="windows_ssh", daemon=True
    )
    accepting.start()
    try:
        yield Server(address, port, private_key, known_hosts)
    finally:
        # A thread that waits in accept() is woken by the end of the socket only if it is told so.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for transport in transports:
            transport.close()


def _accept(
    listener: socket.socket,
    pc: WindowsPc,
    host_key: paramiko.PKey,
    client_key: paramiko.PKey,
    transports: list[paramiko.Transport],
) -> None:
    while True:
        try:
            connection, _peer = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = _Transport(connection)
        transport.local_version = "SSH-2.0-OpenSSH_for_Windows_9.5"
        transport.add_server_key(host_key)
        transports[:] = [one for one in transports if one.is_active()] + [transport]
        with suppress(paramiko.SSHException, EOFError):
            session = _Session(pc, client_key, transport)
            transport.start_server(server=session, event=threading.Event())


class _Transport(paramiko.Transport):
    """Begins what it was asked for when the client has been told that it will: a command may end faster than that."""

    def __init__(self, connection: socket.socket) -> None:
        self.promised: list[threading.Thread] = []
        super().__init__(connection)

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)
        if data.asbytes()[:1] == bytes([MSG_CHANNEL_SUCCESS]) and self.promised:
            self.promised.pop().start()


class _Session(paramiko.ServerInterface):
    def __init__(self, pc: WindowsPc, client_key: paramiko.PKey, transport: _Transport) -> None:
        self._pc = pc
        self._transport = transport
        self._client_key = client_key

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey,password" if self._pc.password else "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = username == self._pc.user and key == self._client_key
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_auth_password(self, username: str, password: str) -> int:
        right = username == self._pc.user and self._pc.password and password == self._pc.password
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        """The real one has SFTP, which reaches the files of Windows and not those of a distribution."""
        del channel
        self._pc.unknown.append(f"the subsystem {name}")
        return False

    def check_channel_pty_request(self, *_request: object) -> bool:
        self._pc.unknown.append("a terminal")
        return False

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        execution = threading.Thread(target=self._execute, args=(channel, command.decode()), daemon=True)
        self._transport.promised.append(execution)
        return True

    def _execute(self, channel: paramiko.Channel, command: str) -> None:
        with suppress(OSError, EOFError):
            answer = self._pc.execute(command)
            if isinstance(answer, Said):
                channel.sendall(answer.out)
                channel.sendall_stderr(answer.error)
                channel.send_exit_status(answer.status)
            else:
                try:
                    channel.sendall_stderr(answer.warning)
                    channel.send_exit_status(_relay(channel, answer.process))
                finally:
                    self._pc.let_go(answer.distribution)
        channel.close()


def _relay(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> int:
    """The bytes as they are: wsl.exe hands on what Linux reads and writes."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    threads = [
        threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True),
        threading.Thread(target=_pour, args=(process.stdout, channel.sendall), daemon=True),
        threading.Thread(target=_pour, args=(process.stderr, channel.sendall_stderr), daemon=True),
    ]
    for thread in threads:
        thread.start()
    status = process.wait()
    for thread in threads[1:]:
        thread.join()
    return status & FAILED


def _feed(channel: paramiko.Channel, stream: IO[bytes]) -> None:
    with suppress(OSError, ValueError):
        while data := channel.recv(CHUNK):
            stream.write(data)
            stream.flush()
    with suppress(OSError, ValueError):
        stream.close()


def _pour(stream: IO[bytes], send: Callable[[bytes], object]) -> None:
    with suppress(OSError):
        while data := os.read(stream.fileno(), CHUNK):
            send(data)
