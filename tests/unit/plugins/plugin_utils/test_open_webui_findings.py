# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _open_webui_findings

SHOP = {"nemo": {"context_tokens": 4096, "max_output_tokens": 1024}}


def findings(*assistants: dict[str, Any], **more: Any) -> list[str]:
    usual = {"models": SHOP, "settings": {}, "top_k": 4, "chunk_tokens": 200, "embedding_context_tokens": 2048}
    return _open_webui_findings.findings(assistants, **{**usual, **more})


def assistant(name: str = "Doc", **more: Any) -> dict[str, Any]:
    return {"name": name, "model": "nemo", "documents": "papers", "system_prompt": "Answer from the papers.", **more}


def test_what_fits_has_no_findings() -> None:
    plain = {"name": "Brand", "model": "nemo", "top_n": 9}
    unknown = assistant("Other", model="elsewhere")
    assert findings(assistant(), assistant("Agent", mode="automatic", chunk_tokens=900), plain, unknown) == []


def test_pieces_prompt_and_answer_are_counted_against_the_window_and_what_would_work_is_named() -> None:
    (sentence,) = findings(assistant(chunk_tokens=500))

    assert sentence.startswith(
        "hearth_assistants.Doc: 4 pieces of 500 tokens, its prompt, a question of 200 and an answer of 1024 need about 4"
    )
    assert (
        "nemo has context_tokens: 4096. Give rag.top_k (top_n) of at most 3, or chunk_tokens of at most 4" in sentence
    )
    for number, tokens in ((3, 500), (4, 450)):
        assert findings(assistant(chunk_tokens=tokens), top_k=number) == []


def test_a_long_prompt_in_a_foreign_script_counts_as_what_it_is() -> None:
    assert findings(assistant(system_prompt="a " * 1000)) == []
    (sentence,) = findings(assistant(system_prompt="日本" * 1000))
    assert "context_tokens of at least" in sentence


@pytest.mark.parametrize(
    ("more", "options", "words"),
    [
        ({"mode": "query"}, {}, "Open WebUI has no mode query"),
        ({"chunk_tokens": 505}, {"embedding_context_tokens": 512, "top_k": 1}, "Give chunk_tokens of at most 504"),
        (
            {},
            {"settings": {"rag.text_splitter": "token"}},
            "rag.text_splitter token fetches its tables from the internet",
        ),
        ({}, {"settings": {"rag.pdf_extract_images": True}}, "models that read pictures from the internet"),
    ],
)
def test_what_the_server_would_ignore_or_fail_at(more: dict[str, Any], options: dict[str, Any], words: str) -> None:
    (sentence,) = findings(assistant(**more), **options)
    assert words in sentence


def test_one_number_of_pieces_is_for_all() -> None:
    both = (assistant("A", top_n=2), assistant("B", top_n=3))

    (sentence,) = findings(*both)
    assert "top_n differs (A 2, B 3)" in sentence
    assert findings(*both, settings={"rag.top_k": 3}) == []
