# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which options a build of an engine knows, and what is wrong with those that it is given."""
