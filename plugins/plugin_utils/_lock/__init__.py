# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of an installation: what the names in its description meant when it was written. PRIVATE to the collection."""
