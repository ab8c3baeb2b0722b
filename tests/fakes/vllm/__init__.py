# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for `vllm serve`, after transcripts of vLLM 0.32.0: its command line, its paths, its keys and its errors. It computes nothing.

As in vLLM, only what lies below /v1 asks for a key, and middleware named on the command line comes before everything else.
"""
