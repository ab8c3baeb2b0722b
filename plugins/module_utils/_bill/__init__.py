# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has, for the bill of materials: its system, images, engines, Python environments and models. PRIVATE to the collection."""
