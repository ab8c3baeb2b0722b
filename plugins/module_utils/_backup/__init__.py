# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups by restic: what services keep, taken while they go on, brought back beside what is there, and swapped. PRIVATE to the collection."""
