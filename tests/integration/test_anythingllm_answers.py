# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandwich shop's papers, cut as planned, with the real engine: the answer is in them, also where the window is small."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._frontend import api_of
from ansible_collections.hearth.llm.plugins.modules import anythingllm_documents, anythingllm_probe
from ansible_collections.hearth.llm.plugins.plugin_utils._anythingllm_windows import Window, judged
from ansible_collections.hearth.llm.tools.hearth_mini.answers import served
from unit.plugins.anythingllm_bench import Bench

from .conftest import PROJECT
from .wheel import python

PAPERS = PROJECT / "inventories/sandwich_shop/documents"
WINDOW: dict[str, Any] = {"context_tokens": 2048, "max_output_tokens": 128, "embedding_tokens": 1024}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        bench = stack.enter_context(Bench(tmp_path))
        values = bench.frontend.environment_now
        for model, prefix, options in (
            ("hearth-mini", "GENERIC_OPEN_AI", {"ctx-size": 2048}),
            (
                "hearth-mini-embedding",
                "EMBEDDING",
                {"embeddings": True, "ctx-size": 1024, "batch-size": 1024, "ubatch-size": 1024},
            ),
        ):
            port = free_port()
            file = PROJECT / f"files/models/{model}.gguf"
            stack.enter_context(served(file, str(python()), **{"host": "127.0.0.1", "port": port, **options}))
            values[f"{prefix}_BASE_PATH"], values[f"{prefix}_MODEL_PREF"] = f"http://127.0.0.1:{port}/v1", model
        values["LLM_PROVIDER"] = values["EMBEDDING_ENGINE"] = "generic-openai"
        values["GENERIC_OPEN_AI_MODEL_TOKEN_LIMIT"] = str(WINDOW["context_tokens"])
        values["GENERIC_OPEN_AI_MAX_TOKENS"] = str(WINDOW["max_output_tokens"])
        yield bench


def test_the_shops_papers_are_cut_so_that_its_question_is_answered_from_them(shop: Bench) -> None:
    prompt = "You are DocExplorer."
    described = {"name": "docs", "model": "hearth-mini", "system_prompt": prompt, "documents": str(PAPERS)}
    window = Window(WINDOW["context_tokens"], WINDOW["max_output_tokens"], WINDOW["embedding_tokens"])
    plan = judged([described], window, request_bytes=1 << 20, models={}, embeds=True, accepted=[])
    (assistant,) = plan["assistants"]
    assert not plan["findings"]
    shop.frontend.environment_now["EMBEDDING_MODEL_MAX_CHUNK_LENGTH"] = str(plan["chunk_limit"])
    shop.workspace("docs", chatMode=assistant["mode"], openAiPrompt=prompt, openAiTemp=0.0)
    item = {"workspace": "docs", "src": str(PAPERS), **{key: assistant[key] for key in ("chunk_size", "chunk_overlap")}}
    database = str(shop.directory / "app/server/storage/anythingllm.db")
    shop.run(anythingllm_documents, workspaces=[item], remote_src=True, database_path=database)
    proven = shop.run(anythingllm_probe, workspaces=[{"slug": "docs", "documents": True}], wait_timeout=60)
    assert proven["answers"]["docs"]["sources"]

    connection: dict[str, Any] = {"api_url": shop.frontend.url, "api_key": shop.key, "timeout": 60.0, "ca_path": None}
    with api_of(connection) as api:
        answer = api.post("/api/v1/workspace/docs/chat", {"message": "What is the secret of the Club sandwich?"})
    assert "smoked paprika" in answer["textResponse"]
    assert answer["sources"][0]["title"] == "signature_sandwiches.md"
