# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a host from outside what it shows, and says what of that nobody declared. PRIVATE to the collection.

`scan` finds the ports that answer, `identify` says what answers there, `tls` and `door` ask what the doors admit, `proof` puts it together.
"""
