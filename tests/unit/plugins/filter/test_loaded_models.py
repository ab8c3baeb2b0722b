# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.filter.loaded_models import loaded_models

MODELS: dict[str, dict[str, Any]] = {
    "chat": {},
    "rare": {"load": "on_demand"},
    "coder": {"load": "startup", "task": "chat"},
    "embedder": {"task": "embedding"},
}


def test_only_what_answers_at_once_is_named_and_each_for_its_task() -> None:
    assert loaded_models(MODELS, "chat") == ["chat", "coder"]
    assert loaded_models(MODELS, "embedding") == ["embedder"]
    assert loaded_models(MODELS, "chat", ["coder", "embedder", "rare"]) == ["coder"]
