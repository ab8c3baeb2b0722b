# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that is open and should not be, or the other way round."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    # Which promise is broken: port, plain_http, tls, certificate, path or key.
    check: str
    # The port or the path, with its address.
    where: str
    # What answered.
    found: str
    remedy: str

    @property
    def sentence(self) -> str:
        return f"{self.where}: {self.found}. {self.remedy}."

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def endpoint(address: str, port: int) -> str:
    """An address and a port as people write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
