# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus and Grafana are told of an installation. PRIVATE to the collection."""
