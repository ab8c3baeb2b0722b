# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""llama.cpp's workers, which lend their memory over RPC: `worker` asks one, `build` says of which build a program is, `program` keeps a head running.

PRIVATE to the collection.
"""
