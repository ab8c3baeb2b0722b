# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the private network, as its peers see it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.hearth.llm.plugins.module_utils._exposure.finding import endpoint


@dataclass(frozen=True)
class Member:
    """A host of the network."""

    name: str
    mode: str
    endpoint: str
    endpoint_port: int
    port: int
    address: str
    # Empty where it is not made yet.
    public_key: str = ""

    @property
    def reached_at(self) -> str:
        """As WireGuard writes it; empty where nobody reaches the host from outside."""
        return endpoint(self.endpoint, self.endpoint_port) if self.endpoint else ""
