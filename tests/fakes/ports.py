# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port for a server that is started later."""

from __future__ import annotations

import random
import socket

# Below what the kernel gives to connections: those of other tests would take a port between the look and the start.
FIRST, LAST = 20000, 32000


def free() -> int:
    choice = random.SystemRandom()
    while True:
        with socket.socket() as listener:
            port = choice.randint(FIRST, LAST)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
