# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in does not know it says, and does not guess."""

from __future__ import annotations


class UnknownError(Exception):
    """Somebody asked for what nobody has looked up yet how Windows does it."""
