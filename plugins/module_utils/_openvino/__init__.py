# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of a model for OpenVINO before it is served: how its weights are compressed, what that takes, and what lies where afterwards. PRIVATE to the
collection."""
