# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one spelling of an engine's options: without dashes before it, and with dashes within."""

from __future__ import annotations

from typing import Any, Mapping


def canonical(name: Any) -> str:
    return str(name).lstrip("-").replace("_", "-")


def spelled_alike(options: Mapping[Any, Any]) -> dict[str, Any]:
    """The last of those that are the same counts."""
    return {canonical(name): value for name, value in options.items()}
