# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows of a measurement say: figures, verdict, comparison and evidence. PRIVATE to the collection."""
