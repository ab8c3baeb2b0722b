# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches models: proven, resumable, as fast as the path allows.

The way of the data: a *source* (sources) is resolved to files with size and hash (hub, web), compared with what lies in the *store*
(plan), and what is missing is downloaded in ranges (ranges, download) into a part file with a *journal*, hashed while it arrives
(digest), and put under its final name only when the hash is right (store).
"""
