# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question to the Docker of a host, which asks nothing of a program or a library. PRIVATE to the collection."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._unix_http import UnixConnection

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

SOCKET = "/run/docker.sock"
DIRECTORY = "/var/lib/docker"
QUESTION_TIMEOUT = 5.0


def ask_docker(host: Host, question: str) -> Any:
    """Docker's answer; nothing when there is no Docker, or none that answers us."""
    connection = UnixConnection(host.path(SOCKET), QUESTION_TIMEOUT)
    try:
        connection.request("GET", question)
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
