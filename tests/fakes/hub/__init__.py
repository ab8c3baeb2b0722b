# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that behaves like the Hugging Face hub and its CDN, with faults on demand.

    with Hub(tmp_path) as hub:
        commit = hub.publish("owner/repository", {"model.gguf": b"GGUF..."})
        hub.fault("cdn:*model.gguf", "cut", after=1000, times=2)
        ...                                          # hub.url is the endpoint
        assert hub.sent("cdn:*model.gguf") < 5000    # bytes of bodies

Also a program: `python -m fakes.hub --help`. What it answers is what the real one was seen to answer.
"""

from __future__ import annotations

from fakes.hub.catalogue import Blob, Catalogue
from fakes.hub.faults import Fault
from fakes.hub.handler import Seen
from fakes.hub.server import Hub

__all__ = ["Blob", "Catalogue", "Fault", "Hub", "Seen"]
