# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates of a description, read by the rule by which they are judged."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.special import end_of

__all__ = ["end_of"]
