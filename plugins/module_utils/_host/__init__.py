# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host, seen from a module on it: its files, what follows from them, and its Docker. PRIVATE to the collection."""
