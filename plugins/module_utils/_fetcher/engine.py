# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine of a model has it: it answers /health then, and ends when the model's file is gone."""

from __future__ import annotations

import contextlib
import http.client
import time

from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

# An engine looks for its file some times a second.
GONE_SECONDS = 30.0
LOOK_SECONDS = 0.05


def is_up(path: str) -> bool:
    try:
        with contextlib.closing(UnixConnection(path, timeout=5)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until_gone(path: str) -> None:
    """Its memory, and its file's space, are free only then."""
    end = time.monotonic() + GONE_SECONDS
    while is_up(path) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
