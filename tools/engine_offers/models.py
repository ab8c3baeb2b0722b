# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that are asked: small ones that can be had at once, each for what only it can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.tools.engine_offers.features import CALL
from ansible_collections.hearth.llm.tools.hello_model import seer
from ansible_collections.hearth.llm.tools.hello_model.caller import calling_model
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from ansible_collections.hearth.llm.tools.hello_model.overlap import overlap_model

SHIPPED = Path(__file__).resolve().parents[2] / "files/models"
AFTER_THE_CALL = "It costs seven."


def options(directory: Path) -> dict[str, dict[str, Any]]:
    """Writes what has to be written, and gives the long flags of llama-server by which each model is served, but for where it listens."""
    files = {
        "caller.gguf": calling_model("caller", *CALL, AFTER_THE_CALL),
        "seer.gguf": seer.seeing_model(),
        "projector.gguf": seer.projector(),
        "overlap.gguf": overlap_model(),
        "endless.gguf": hello_model("endless", "On and on and on it goes,", endless=True),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    # As the role tells them; one thread, for these compute less than threads wait for each other.
    common = {"jinja": True, "metrics": True, "slots": False, "webui": False, "threads": 1, "cache-ram": 16}
    one_batch = {"ctx-size": 256, "parallel": 1, "batch-size": 256, "ubatch-size": 256}
    own: dict[str, dict[str, Any]] = {
        "chat": {"model": str(SHIPPED / "hearth-mini.gguf"), "ctx-size": 1024, "parallel": 2},
        "caller": {"model": str(directory / "caller.gguf"), "ctx-size": 2048, "parallel": 1},
        "endless": {"model": str(directory / "endless.gguf"), "ctx-size": 32768, "parallel": 1},
        "seer": {
            "model": str(directory / "seer.gguf"),
            "mmproj": str(directory / "projector.gguf"),
            "ctx-size": 512,
            "parallel": 1,
        },
        "embedding": {"model": str(SHIPPED / "hearth-mini-embedding.gguf"), "embeddings": True, **one_batch},
        "rerank": {"model": str(directory / "overlap.gguf"), "rerank": True, **one_batch},
    }
    return {name: {**common, "alias": name, **flags} for name, flags in own.items()}
