# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""GGUF files with the headers of well-known models and holes in place of their weights: real sizes, no bytes on the disk.

`zoo` says what the models are like, `tensors` which tensors that means, `quantization` which types they have, `file` writes them.
"""
