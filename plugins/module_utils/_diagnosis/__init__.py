# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a service is broken, layer by layer, from what a client meets first to what lies deepest. PRIVATE to the collection."""
