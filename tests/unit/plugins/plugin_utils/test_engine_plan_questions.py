# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan

MODELS = [{"name": "chat"}, {"name": "rare", "load": "on_demand"}, {"name": "embedder", "task": "embedding"}]


def llama_cpp_questions(
    models: list[dict[str, str]], runtime: str, directory: str, projectors: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    plan = engine_plan(models, "llama_cpp", runtime=runtime, directory=directory, projectors=projectors)
    return list(plan["questions"])


def test_a_router_is_asked_for_what_it_has_loaded() -> None:
    assert llama_cpp_questions(MODELS, "docker", "/srv") == [
        {"model": "chat", "task": "chat"},
        {"model": "embedder", "task": "embedding"},
    ]


def test_a_model_with_a_projector_is_shown_a_picture() -> None:
    asked = llama_cpp_questions(MODELS, "docker", "/srv", {"chat": "/models/chat/mmproj.gguf"})
    assert [question.get("picture", False) for question in asked] == [True, False]


def test_a_program_of_its_own_is_asked_through_its_socket() -> None:
    assert [question["socket_path"] for question in llama_cpp_questions(MODELS, "process", "/srv")] == [
        "/srv/run/chat.sock",
        "/srv/run/embedder.sock",
    ]
