# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services there are on a host. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._generations import Service

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


def deployed(host: Host, directory: str) -> list[str]:
    """Those that the role service has written down."""
    services = f"{directory}/services"
    return [name for name in host.names(services) if Service(host.path(f"{services}/{name}")).current]
