# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must offer before anything is installed on it, each question a function that yields findings.

A question never raises and never changes anything: what it cannot find out it says.

PRIVATE to the collection.
"""
