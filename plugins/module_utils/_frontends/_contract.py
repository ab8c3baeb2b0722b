# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection asks a frontend, a page for people behind the gateway. `docs/extending.md` says how to add one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._kept import Kept

# Addresses on which a server listens that has no address of its own.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "*": "127.0.0.1"}


class Key(NamedTuple):
    """A key of hearth_frontends.<name>."""

    name: str
    # text, texts (a list), secret or url.
    kind: str
    meaning: str
    default: str = "none"
    # What is often written for it.
    also: Sequence[str] = ()


class Frontend:
    # As hearth_frontends names it, and what its role is called. The role's inputs <name>_address and <name>_port say where it listens on the host.
    name = ""
    title = ""
    runtimes: Sequence[str] = ("docker",)
    # What is often written for its name.
    misspelled: Sequence[str] = ()
    # Where it listens in its container, and on the host unless its role is told otherwise.
    container_port = 0
    port = 0
    # What does not exist for clients.
    closed_paths: Sequence[str] = ()
    # The header by which it says for which of its users it asks; empty: it names nobody, and counts for as many as there are.
    user_header = ""
    # What hearth_frontends.<name> has besides `domain`.
    keys: Sequence[Key] = ()
    # Keys of assistants that mean nothing to it.
    ignores: Sequence[str] = ()
    # What it keeps on the host, for backups. None: nothing that its role does not make anew.
    kept: Kept | None = None

    def address(self, runtime: str, *, address: str, port: int) -> str:
        """Where the gateway reaches it: a container by its service's name, a process where its role lets it listen."""
        return f"{self.name}:{self.container_port}" if runtime == "docker" else f"{_reached(address)}:{port}"


def _reached(address: str) -> str:
    bare = ":" in address and not address.startswith("[")
    return _ANYWHERE.get(address, f"[{address}]" if bare else address)
