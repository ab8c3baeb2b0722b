# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a GGUF file says about itself, wherever the file is, from no more of it than its header.

`source` reads a file's bytes here or far away, `header` takes the header apart, `tables` names its numbers, `model` says what they mean.
"""
