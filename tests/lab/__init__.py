# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test lab: hosts that are systemd containers, and the real images that run in them, made from Debian packages.

No image registry is needed, and nothing outside the cache directory and the Docker engine is written.
"""
