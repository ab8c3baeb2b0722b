# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows PC with WSL: what it is like, what has to be done on it, and why something may not. PRIVATE to the collection."""
