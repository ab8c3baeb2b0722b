# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for a Windows: the modules of ansible.windows and community.windows, made at test time from their own documentation.

Each takes the arguments that theirs documents and no other, notes the call, and compares what is wanted with what a file says of the machine, so
that a change is one. Theirs that act on the controller (`win_copy`, `win_powershell` …) do so for real, up to where they would reach the host.
"""
