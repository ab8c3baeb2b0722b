# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that fetches a model on its first request. It is asked for names of the description, never for an address."""
