# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of one model on several hosts: begun together, and together again when one of them is lost."""
