# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents, and for each a question that it alone answers; and how often an embedding model finds the right one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.hearth.llm.tools.hearth_mini.answers import post
from ansible_collections.hearth.llm.tools.hearth_mini.facts import facts, text
from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon

AT_ONCE = 50


@dataclass(frozen=True)
class Document:
    text: str
    question: str


def related(words: Lexicon, number: int) -> list[Document]:
    """Documents that are easily taken for each other: of the same things, or of the same about other things."""
    pick = words.random
    sizes = [pick.randint(1, 5) for _ in range(number)]
    pool = facts(words, sum(sizes), set())
    pick.shuffle(pool)
    documents = []
    for size in sizes:
        held, pool = pool[:size], pool[size:]
        question = pick.choice(pick.choice(held).questions)
        documents.append(Document(text(words, held, pick.choice([0, 0, 1, 2, 4])), question))
    return documents


def held_out_documents(number: int) -> list[Document]:
    """Always the same ones, in groups of four that are related, of words that training has never drawn."""
    words = Lexicon(random.Random(20261122), unseen=True)
    return [document for _ in range(number // 4) for document in related(words, 4)]


def embeddings(server: Path, texts: list[str]) -> list[list[float]]:
    vectors: list[list[float]] = []
    for start in range(0, len(texts), AT_ONCE):
        answer = post(server, "/v1/embeddings", {"input": texts[start : start + AT_ONCE]})
        vectors += [entry["embedding"] for entry in answer["data"]]
    return vectors


def recall(server: Path, documents: list[Document], at: tuple[int, ...] = (1, 4)) -> dict[int, float]:
    """For how many questions the right document is among the first n of all."""
    held = embeddings(server, [document.text for document in documents])
    asked = embeddings(server, [document.question for document in documents])
    ranks = []
    for number, question in enumerate(asked):
        scores = [sum(a * b for a, b in zip(question, vector, strict=True)) for vector in held]
        ranks.append(sum(score > scores[number] for score in scores))
    return {n: sum(rank < n for rank in ranks) / len(ranks) for n in at}
