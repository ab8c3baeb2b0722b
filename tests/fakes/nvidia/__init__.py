# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA's two package repositories, with packages that do to a lab host what the real ones do to a machine, as far as programs see it."""
