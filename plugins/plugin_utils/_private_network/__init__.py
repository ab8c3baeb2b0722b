# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network in which hosts that serve together reach each other. PRIVATE to the collection."""
