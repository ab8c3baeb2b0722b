# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks whether somebody `listens` where the gateway of this host does, or whether it `answers`; then the port, and how many seconds it has.

It answers where it says to a client without a key that it wants one. Nobody listens only where the host says so: who has no time may well be there.
keepalived runs this every few seconds, so it loads little. Whether the certificate is a good one is not asked: another gateway's would be no better.
"""

import socket
import ssl
import sys
import time

REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
WANTED = (b"HTTP/1.1", b"401")


def listens(port: int, seconds: float) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=seconds).close()
    except OSError as error:
        return not isinstance(error, ConnectionRefusedError)
    return True


def answers(port: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as plain, context.wrap_socket(plain) as line:
        line.sendall(REQUEST)
        answer = b""
        while b"\n" not in answer:
            # Also one that sends a byte now and then has an end.
            line.settimeout(max(0.001, end - time.monotonic()))
            part = line.recv(4096)
            if not part:
                break
            answer += part
    return tuple(answer.split(b" ", 2)[:2]) == WANTED


if __name__ == "__main__":
    look = {"listens": listens, "answers": answers}[sys.argv[1]]
    try:
        sys.exit(0 if look(int(sys.argv[2]), float(sys.argv[3])) else 1)
    except OSError:
        sys.exit(1)
