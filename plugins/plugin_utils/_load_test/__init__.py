# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role load_test has to know of a description before it asks anybody. PRIVATE to the collection."""
