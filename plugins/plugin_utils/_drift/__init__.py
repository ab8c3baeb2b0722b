# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dry run finds that is not as it is described: written down while it runs, and told at its end. PRIVATE to the collection."""
