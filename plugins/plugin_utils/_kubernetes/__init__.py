# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a cluster, made of the description. PRIVATE to the collection."""
