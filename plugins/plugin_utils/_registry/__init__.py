# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries of images, asked from the controller. PRIVATE to the collection."""
