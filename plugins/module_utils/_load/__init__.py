# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load tests: many questions at the same time, and what became of each. PRIVATE to the collection.

profile (what is wanted, judged), prompts (what is asked), plan (who asks what, and when), response and events (HTTP and server-sent events, piece by
piece), wire (connections), answer (what a server's events mean), asking (one question, from its first byte to its row), driver (all of them, until a
bound), records (what is written, while it happens), traces (the host meanwhile), metrics (the engines before and after).
"""
