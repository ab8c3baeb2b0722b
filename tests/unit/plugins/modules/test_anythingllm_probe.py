# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules import anythingllm_probe as module
from fakes.engine import WORDS
from unit.plugins.anythingllm_bench import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """Its first workspace knows documents; the server's own mode of a new workspace is the agent's."""
    with Shelf(tmp_path) as running:
        values, url = running.frontend.environment_now, f"http://{running.engine.address}/v1"
        values["LLM_PROVIDER"], values["GENERIC_OPEN_AI_BASE_PATH"] = "generic-openai", url
        values["GENERIC_OPEN_AI_MODEL_PREF"] = "chat"
        running.sync()
        running.frontend.store.run("UPDATE workspaces SET chatMode = 'chat'")
        yield running


def probe(shelf: Shelf, slug: str = "docs", *, documents: bool = True) -> dict[str, Any]:
    result = shelf.run(module, workspaces=[{"slug": slug, "documents": documents}], wait_timeout=0)
    answer: dict[str, Any] = result["answers"][slug]
    return answer


def test_an_assistant_with_documents_is_proven_by_a_source(shelf: Shelf) -> None:
    assert probe(shelf)["sources"]
    assert probe(shelf, "other", documents=False) == {"text": "".join(WORDS), "sources": [], "mode": "chat"}
    shelf.frontend.store.run("UPDATE workspaces SET similarityThreshold = 1.0")
    with pytest.raises(HearthError, match=r"docs: it answers, and without a source.* similarity_threshold"):
        probe(shelf)
    with pytest.raises(HearthError, match="the search finds none of the 0 that are embedded"):
        probe(shelf, "other")


@pytest.mark.parametrize("mode", ["chat", "query", "automatic"])
def test_a_dead_engine_is_no_answer_in_any_mode(shelf: Shelf, mode: str) -> None:
    """An agent's answer is then 200 with no error, and the failure as its text."""
    shelf.frontend.store.run("UPDATE workspaces SET chatMode = ?", mode)
    assert probe(shelf)["mode"] == mode
    shelf.frontend.environment_now["GENERIC_OPEN_AI_BASE_PATH"] = "http://127.0.0.1:1/v1"
    with pytest.raises(HearthError, match=r"docs: it does not answer \(Connection error"):
        probe(shelf)


def test_all_that_fail_are_named_and_a_dry_run_asks_nobody(shelf: Shelf) -> None:
    shelf.frontend.environment_now["GENERIC_OPEN_AI_BASE_PATH"] = "http://127.0.0.1:1/v1"
    both = [{"slug": "docs"}, {"slug": "other"}]
    with pytest.raises(HearthError, match=r"docs: it does not answer.*other: it does not answer"):
        shelf.run(module, workspaces=both, wait_timeout=0)
    assert shelf.run(module, workspaces=both, check_mode=True) == {"probed": False, "answers": {}}
    with pytest.raises(HearthError, match="There is no workspace nowhere"):
        probe(shelf, "nowhere")
