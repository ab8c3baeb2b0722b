# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open WebUI as its API has it: each file knows one kind of thing, and where the server's answers are not what they seem."""
