# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows PC, as far as an SSH client sees it that asks for `wsl.exe`. What it knows, and from where, says README.md."""

from fakes.windows_ssh.behind import Behind, Container, Here
from fakes.windows_ssh.errors import UnknownError
from fakes.windows_ssh.pc import Distribution, WindowsPc
from fakes.windows_ssh.server import serve

__all__ = ["Behind", "Container", "Distribution", "Here", "UnknownError", "WindowsPc", "serve"]
