# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One address for several gateways, which keepalived gives to one of them. PRIVATE to the collection."""
