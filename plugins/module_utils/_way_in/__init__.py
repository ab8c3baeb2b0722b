# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which tunnels, programs and containers of a host somebody comes in, and what has to be open for him to come in again. PRIVATE to the collection."""

from __future__ import annotations
