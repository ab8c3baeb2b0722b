# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a description cannot work in Open WebUI, found before anything is deployed.

Counted is, for each assistant with documents, whether the pieces that it is shown, its prompt, a question and an answer fit into its model's context. Tokens
are estimated from the text; a model's own count may differ by a fifth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._open_webui.pieces import ADDED, density

Assistant = Mapping[str, Any]
# Open WebUI's own template; what it writes around each piece; a question; an answer where the model has no limit.
_TEMPLATE = 430
_AROUND = 40
_QUESTION = 200
_ANSWER = 512
# A piece is as long as it should be on the whole, and some are longer.
_DENSER = 1.25
_OFFLINE = {
    "rag.text_splitter": (
        ("", "character"),
        "fetches its tables from the internet. Leave it out; pieces are reckoned in tokens as they are",
    ),
    "rag.pdf_extract_images": (
        (False,),
        "fetches models that read pictures from the internet. Leave it out, and have scanned papers recognised (OCR) before",
    ),
}


def findings(
    assistants: Sequence[Assistant],
    *,
    models: Mapping[str, Any],
    settings: Mapping[str, Any],
    top_k: int,
    chunk_tokens: int,
    embedding_context_tokens: int,
    template: str = "",
) -> list[str]:
    if not str(top_k).isdecimal():
        return [f"open_webui_settings: rag.top_k is {top_k!r}: write a whole number."]
    present = [one for one in assistants if one.get("state", "present") == "present"]
    return [
        *_of_settings(settings),
        *_of_modes(present),
        *_of_numbers(present, settings),
        *_of_embedding(present, int(chunk_tokens), int(embedding_context_tokens)),
        *_of_windows(present, models, int(top_k), int(chunk_tokens), template),
    ]


def _of_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, (harmless, reason) in _OFFLINE.items():
        if name in settings and settings[name] not in harmless:
            yield f"open_webui_settings: {name} {settings[name]} {reason}."


def _of_modes(assistants: Sequence[Assistant]) -> Iterator[str]:
    for one in assistants:
        if one.get("mode") == "query":
            yield (
                f"hearth_assistants.{one['name']}: Open WebUI has no mode query, and would answer from what the model knows, too. "
                "Give mode: chat and say in system_prompt what it may answer from, or frontends: [anythingllm]."
            )


def _of_numbers(assistants: Sequence[Assistant], settings: Mapping[str, Any]) -> Iterator[str]:
    wishes = {one["name"]: one["top_n"] for one in assistants if "documents" in one and "top_n" in one}
    if len(set(wishes.values())) > 1 and "rag.top_k" not in settings:
        said = ", ".join(f"{name} {number}" for name, number in wishes.items())
        yield (
            f"Open WebUI has one number of pieces for all assistants, and top_n differs ({said}). "
            f"Give all the same, or open_webui_settings: {{rag.top_k: …}}."
        )


def _of_embedding(assistants: Sequence[Assistant], chunk_tokens: int, context: int) -> Iterator[str]:
    for one in _informed(assistants):
        tokens = int(one.get("chunk_tokens", chunk_tokens))
        if tokens > context - ADDED:
            yield (
                f"hearth_assistants.{one['name']}: pieces of {tokens} tokens are longer than the embedding model takes, which is {context}. "
                f"Give chunk_tokens of at most {context - ADDED}, or an embedding model with more context_tokens."
            )


def _of_windows(
    assistants: Sequence[Assistant], models: Mapping[str, Any], top_k: int, chunk_tokens: int, template: str
) -> Iterator[str]:
    for one in _informed(assistants):
        model = models.get(one["model"]) or {}
        context = int(model.get("context_tokens") or 0)
        if not context:
            continue
        tokens = int(one.get("chunk_tokens", chunk_tokens))
        answer = int(model.get("max_output_tokens") or _ANSWER)
        fixed = (_tokens(template) or _TEMPLATE) + _tokens(one.get("system_prompt") or "") + _QUESTION + answer
        needed = fixed + top_k * _piece(tokens)
        if needed <= context:
            continue
        room = context - fixed
        fewer, shorter = room // _piece(tokens), int((room / top_k - _AROUND) / _DENSER)
        remedies = [
            *([f"rag.top_k (top_n) of at most {fewer}"] if fewer >= 1 else []),
            *([f"chunk_tokens of at most {shorter}"] if shorter >= 32 else []),
            *([f"a shorter open_webui_rag_template ({_TEMPLATE} tokens are Open WebUI's own)"] if not template else []),
            f"context_tokens of at least {needed}",
        ]
        yield (
            f"hearth_assistants.{one['name']}: {top_k} pieces of {tokens} tokens, its prompt, a question of {_QUESTION} and an answer of {answer} need "
            f"about {needed} tokens, and "
            f"{one['model']} has context_tokens: {context}. Give {', or '.join(remedies)}."
        )


def _informed(assistants: Sequence[Assistant]) -> list[Assistant]:
    """Those with documents that are searched before each answer."""
    return [one for one in assistants if "documents" in one and one.get("mode", "chat") != "automatic"]


def _piece(tokens: int) -> int:
    return int(tokens * _DENSER) + _AROUND


def _tokens(text: str) -> int:
    return int(density(text)[0] * len(text)) + 1 if text else 0
