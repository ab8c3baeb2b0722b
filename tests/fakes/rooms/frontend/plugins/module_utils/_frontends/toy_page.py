# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that says one sentence, as a test adds it."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._frontends._contract import Frontend, Key
from ansible_collections.hearth.llm.plugins.module_utils._kept import Kept


class ToyPage(Frontend):
    name = "toy_page"
    title = "Toy page"
    runtimes = ("docker", "process")
    misspelled = ("toypage",)
    container_port = 8080
    port = 13999
    closed_paths = ("/secret",)
    keys = (Key("greeting", "text", "what it says"),)
    kept = Kept(place="toy_page", counts={"notes": ("notes.db", "note")})


FRONTEND = ToyPage()
