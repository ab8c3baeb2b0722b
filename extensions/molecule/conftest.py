# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario's tests ask: the host from inside, and its service from outside, as a client does."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from lab.service import Service


@pytest.fixture(scope="session")
def variables() -> dict[str, Any]:
    """What the scenario's inventory says of its first host."""
    known: dict[str, Any] = json.loads(os.environ["HEARTH_LAB_HOST"])
    return known


@pytest.fixture(scope="session")
def host(variables: dict[str, Any]) -> Any:
    """The host itself, as root."""
    if variables.get("ansible_connection") == "local":
        return testinfra.get_host("local://")
    return testinfra.get_host(
        f"ssh://{variables['ansible_user']}@{variables['ansible_host']}",
        ssh_identity_file=variables["ansible_ssh_private_key_file"],
        ssh_extra_args=variables["ansible_ssh_common_args"],
        sudo=True,
    )


@pytest.fixture(scope="session")
def service(variables: dict[str, Any]) -> Iterator[Service]:
    """The gateway; its name resolves as if it stood in the DNS."""
    found = Service(
        address=variables.get("ansible_host", "127.0.0.1"),
        domain=variables["hearth_domain"],
        port=variables.get("hearth_port", 443),
        secrets=Path(variables["hearth_secrets_directory"]),
    )
    resolve = socket.getaddrinfo

    def resolve_domain(name: Any, *arguments: Any, **options: Any) -> Any:
        wanted = name.decode() if isinstance(name, bytes) else name
        return resolve(found.address if wanted == found.domain else name, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve_domain)
        yield found
