# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interface of WireGuard says of itself. None of the questions is one for keys that are secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Callable

    # What a program writes; nothing where it is not there or fails.
    Ask = Callable[..., str]


class Interface:
    def __init__(self, ask: Ask, name: str, program: str = "wg") -> None:
        self._ask = ask
        self.name = name
        self._program = program

    def word(self, what: str) -> str:
        return self._ask(self._program, "show", self.name, what).strip()

    def table(self, what: str) -> dict[str, str]:
        """What is said of each peer, by its public key."""
        return dict(line.partition("\t")[::2] for line in self.word(what).splitlines())

    def port(self) -> int:
        """Where it listens; 0 where the interface is no WireGuard's, or nobody can ask it."""
        port = self.word("listen-port")
        return int(port) if port.isdigit() else 0

    def peers(self) -> dict[str, dict[str, Any]]:
        """What it was told of each peer."""
        keepalive = self.table("persistent-keepalive")
        return {
            peer: {
                "addresses": [text for text in networks.split() if text != "(none)"],
                "keepalive_seconds": _number(keepalive.get(peer, "")),
            }
            for peer, networks in self.table("allowed-ips").items()
        }

    def handshakes(self) -> dict[str, int]:
        """When each peer was last heard with a new key, in seconds since 1970; 0 for never."""
        return {peer: _number(text) for peer, text in self.table("latest-handshakes").items()}

    def received(self) -> dict[str, int]:
        """Bytes that came from each peer."""
        return {peer: _number(text.partition("\t")[0]) for peer, text in self.table("transfer").items()}


def _number(text: str) -> int:
    return int(text) if text.strip().isdigit() else 0
