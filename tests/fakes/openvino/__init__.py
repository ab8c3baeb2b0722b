# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for what makes models for OpenVINO, and for what serves them."""
