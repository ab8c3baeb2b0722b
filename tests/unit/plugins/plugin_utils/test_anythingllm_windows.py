# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._anythingllm_windows import Window, judged

MODELS = {
    "nemo": {"context_tokens": 4096, "max_output_tokens": 1024},
    "long": {"context_tokens": 32768, "max_output_tokens": 512},
    "plain": {},
}
SHOP = {"context_tokens": 4096, "max_output_tokens": 1024, "embedding_tokens": 2048}
TEXTS = {
    "english": "Our signature sandwich has smoked paprika in it, and nobody outside of the shop is told. ",
    "russian": "В нашем фирменном бутерброде есть копчёная паприка, и об этом никому не говорят. ",  # noqa: RUF001
    "japanese": "当店の看板サンドイッチには燻製パプリカが入っており、店の外では誰にも話しません。",
}


def plan(assistant: dict[str, Any], numbers: dict[str, Any] = SHOP, **more: Any) -> dict[str, Any]:
    window = Window(*(numbers[name] for name in ("context_tokens", "max_output_tokens", "embedding_tokens")))
    usual = {"request_bytes": 1048576, "models": MODELS, "embeds": True, "accepted": []}
    return judged([{"name": "Doc", "model": "nemo", **assistant}], window, **{**usual, **more})


def papers(directory: Path, text: str, name: str = "paper.md") -> dict[str, Any]:
    (directory / name).write_text(text * 50)
    return {"documents": str(directory), "system_prompt": text}


@pytest.mark.parametrize(("language", "least"), [("english", 900), ("russian", 500), ("japanese", 200)])
def test_pieces_fit_into_the_window_in_every_language(tmp_path: Path, language: str, least: int) -> None:
    """By the server's own rule, prompt and 600 tokens below the window, counted as it counts them, with its headers."""
    from fakes.anythingllm import prompt

    text = TEXTS[language]
    found = plan(papers(tmp_path, text))
    assert (found["findings"], found["notes"]) == ([], [])
    (one,) = found["assistants"]
    size = one["chunk_size"]
    assert least <= size <= found["chunk_limit"] <= (2048 - 80) / 1.2
    header = "<document_metadata>\nsourceDocument: signature_sandwiches.md\npublished: 11/29/2026, 1:17:20 AM\n</document_metadata>\n\n"
    piece = header + (text * 50)[:size]
    asked = prompt.messages(prompt.with_context(text, [piece] * 4), [], text * 3)
    assert prompt.fitted(asked, 4096, []) is asked
    # One earlier question and its answer are no reason to cut either.
    history = [(text * 3, (text * 50)[: size * 2])] * min(one["history"], 2)
    asked = prompt.messages(prompt.with_context(text, [piece] * 4), history, text * 3)
    assert prompt.fitted(asked, 4096, history) is asked


@pytest.mark.parametrize(
    ("assistant", "numbers", "words"),
    [
        ({"chunk_tokens": 1000}, {}, "What would fit: context_tokens: 5888, or top_n: 2, or chunk_tokens: 546."),
        ({"top_n": 40}, {}, "What would fit: context_tokens: "),
        ({}, {"context_tokens": 1024}, "do not fit into a context of 1024 tokens: AnythingLLM would cut what it found"),
        (
            {"chunk_tokens": 900},
            {"embedding_tokens": 512, "context_tokens": 32768},
            "would fit: chunk_tokens: 120, or an",
        ),
        ({"chunk_tokens": 100, "chunk_overlap_tokens": 100}, {}, "pieces of 100 tokens that overlap by 100 cannot be"),
        ({}, {"embedding_tokens": 128}, "Give it context_tokens: 320 or more"),
        ({"history": 0}, {}, "history is 0, which AnythingLLM takes for 20"),
    ],
)
def test_what_cannot_work_is_refused_with_what_would(
    tmp_path: Path, assistant: dict[str, Any], numbers: dict[str, Any], words: str
) -> None:
    given = {**papers(tmp_path, TEXTS["english"]), **assistant}
    findings = plan(given, {**SHOP, **numbers})["findings"]
    assert [finding for finding in findings if words in finding], findings
    # What is said to fit does, as far as it is about that.
    (finding, *_) = [finding for finding in findings if words in finding]
    for name, number in re.findall(r"(?<!embedder with )(?<!it )(context_tokens|top_n|chunk_tokens): (\d+)", finding):
        changed = {name: int(number)}
        changed_numbers = {**SHOP, **numbers, **(changed if name == "context_tokens" else {})}
        left = plan({**given, **({} if name == "context_tokens" else changed)}, changed_numbers)["findings"]
        assert not [one for one in left if words[:30] in one], (name, number)


def test_lengths_in_tokens_hold_for_the_script_of_the_documents(tmp_path: Path) -> None:
    given = {"chunk_tokens": 200, "chunk_overlap_tokens": 20}
    sizes = {}
    for language, text in TEXTS.items():
        (tmp_path / language).mkdir()
        (one,) = plan({**papers(tmp_path / language, text), **given})["assistants"]
        sizes[language] = (one["chunk_size"], one["chunk_overlap"])
    assert sizes == {"english": (600, 60), "russian": (400, 40), "japanese": (166, 16)}


def test_no_request_to_the_embedder_is_longer_than_the_gateway_takes(tmp_path: Path) -> None:
    for language, text in TEXTS.items():
        found = plan(papers(tmp_path, text, f"{language}.md"))
        size = found["chunks_per_request"] * len((text * 50)[: found["chunk_limit"]].encode() + b"h" * 300)
        assert size < 1048576
        assert plan(papers(tmp_path, text), request_bytes=16384)["chunks_per_request"] < 5


def test_an_empty_or_missing_directory_is_a_finding_before_anything_is_done(tmp_path: Path) -> None:
    given = {"documents": str(tmp_path)}
    assert "there is no file in" in plan(given)["findings"][0]
    assert not plan(given, accepted=["documents"])["findings"]
    assert "is neither a directory nor a file" in plan({"documents": str(tmp_path / "none")})["findings"][0]


def test_what_automatic_and_one_window_for_all_leave_out_is_said(tmp_path: Path) -> None:
    (mode, *_) = plan({})["assistants"]
    assert mode["mode"] == "chat"
    given = {**papers(tmp_path, TEXTS["english"]), "mode": "automatic", "temperature": 1.0}
    (note,) = plan(given)["notes"]
    for words in ("the longest answer", "its temperature", "its documents"):
        assert words in note
    (note,) = plan({"model": "long"})["notes"]
    assert "It is told 4096 tokens, the least of them, though long has 32768" in note
