# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that behaves like AnythingLLM 1.16, with its three stores, its two APIs, and its mistakes.

    with AnythingLLM(tmp_path / "server" / "storage", env_file=tmp_path / ".env", environment={"AUTH_TOKEN": ...}) as frontend:
        ...                                       # frontend.url
        frontend.recreate()                       # docker rm and docker run
        assert frontend.control.counts()["writes"] == 0

Its chat is real: it embeds and asks through the embedder and the model that it is configured with. It needs Python 3.8 and nothing else,
so that it can stand in for the image: `python -m fakes.anythingllm`. Over HTTP, /_fake/counts and /_fake/faults are what only a fake has.
"""

from __future__ import annotations

from fakes.anythingllm.environment import BootError
from fakes.anythingllm.server import AnythingLLM

__all__ = ["AnythingLLM", "BootError"]
