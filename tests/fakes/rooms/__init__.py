# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine and a frontend as somebody would add them to a copy of the collection."""
