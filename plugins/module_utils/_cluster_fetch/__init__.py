# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Job in a cluster runs to bring models onto a volume. PRIVATE to the collection."""
