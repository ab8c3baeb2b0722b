#!/usr/bin/python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the gateway of this host as a client does, without a key. Ends with 0 where it says that it wants one, for then it is there.

keepalived runs it every few seconds, so it loads little. Whether the certificate is a good one is not asked: another gateway's would be no better.
"""

import socket
import ssl
import sys
import time

REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
WANTED = (b"HTTP/1.1", b"401")


def main() -> int:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
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
    return 0 if tuple(answer.split(b" ", 2)[:2]) == WANTED else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError:
        sys.exit(1)
