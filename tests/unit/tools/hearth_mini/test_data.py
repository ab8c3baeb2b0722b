# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model is examined on is not what it was trained on, and has one right answer."""

from __future__ import annotations

import random
import re

import pytest
from ansible_collections.hearth.llm.tools.hearth_mini.conversations import mixture
from ansible_collections.hearth.llm.tools.hearth_mini.phrases import UNKNOWN
from ansible_collections.hearth.llm.tools.hearth_mini.retrieval import held_out_documents
from ansible_collections.hearth.llm.tools.hearth_mini.skills import SKILLS, prompts
from ansible_collections.hearth.llm.tools.hearth_mini.words import (
    ATTRIBUTES,
    NAMES,
    NOUNS,
    TOWNS,
    VALUES,
    Lexicon,
    held_out,
)

POOLS = {word.lower() for pool in (NOUNS, ATTRIBUTES, NAMES, TOWNS, VALUES) for word in pool}


def drawn(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower())) & POOLS


def test_a_held_out_word_is_never_drawn_for_training() -> None:
    words = Lexicon(random.Random(1))
    names = {
        word for _ in range(3000) for word in (words.name(), words.noun(), words.town(), words.value(), words.any())
    }

    assert len(names) > 1000
    assert not [name for name in names if held_out(name)]


@pytest.mark.parametrize("skill", [skill for skill in SKILLS if skill.startswith("fact")])
def test_a_fact_is_asked_with_held_out_words_and_stands_in_the_prompt(skill: str) -> None:
    for prompt in prompts(skill, 50):
        said = "\n".join(message["content"] for message in prompt.messages)
        assert prompt.expected in said
        assert prompt.messages[-1]["role"] == "user"


@pytest.mark.parametrize("skill", [skill for skill in SKILLS if skill.startswith("unknown")])
def test_what_is_unknown_has_one_answer(skill: str) -> None:
    assert {prompt.expected for prompt in prompts(skill, 50)} == {UNKNOWN}


def test_prompts_are_the_same_each_time_and_none_of_the_training() -> None:
    words = Lexicon(random.Random(2))
    trained = {message["content"] for _ in range(2000) for message in mixture(words) if message["role"] == "user"}

    for skill in SKILLS:
        assert prompts(skill, 5) == prompts(skill, 5)
    asked = {prompt.messages[-1]["content"] for prompt in prompts("repeats", 200)}
    assert len(asked & trained) < 5


def test_a_question_has_one_document() -> None:
    documents = held_out_documents(200)

    assert len(documents) == 200
    assert len({document.question for document in documents}) > 195
