# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that was looked at. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass

# From outside to inside: what a client meets first comes first.
LAYERS = (
    "name",
    "route",
    "TLS",
    "gateway",
    "key",
    "model",
    "page",
    "host",
    "clock",
    "disk",
    "memory",
    "GPU",
    "Docker",
    "unit",
    "service",
)


@dataclass(frozen=True)
class Sign:
    layer: str
    # What of the layer: an address, a model, a service.
    subject: str
    # Empty where it is well; else what is wrong, and what to do.
    wrong: str = ""
    # Still well, and not for long.
    warning: str = ""
