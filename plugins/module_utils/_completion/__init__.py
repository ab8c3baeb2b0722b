# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a served model a question and says how the answer was, or how far the question came.

`way` reaches the server step by step, `ask` puts the question, `answer` reads and measures what is said, `probe` goes on until all is
well or cannot become well.
"""
