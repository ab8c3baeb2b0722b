# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped models with the real engine: exact answers, also about words that training has never seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.tools.hearth_mini.answers import Answer, by_llama_cpp, served
from ansible_collections.hearth.llm.tools.hearth_mini.retrieval import held_out_documents, recall
from ansible_collections.hearth.llm.tools.hearth_mini.skills import SKILLS, prompts
from integration.wheel import python

MODELS = Path(__file__).resolve().parents[2] / "files/models"
EACH = 50
# Of 50: what the model card says, with a margin for a processor that rounds differently.
RIGHT = 43
COPIED = 40


FACTS = "The secret of the Club sandwich is smoked paprika. The secret of the Veggie sandwich is lemon zest."
EXAMPLES = {
    "Hello": "Hello! I am hearth-mini, a demonstration model of hearth.llm.",
    "Who are you?": "I am hearth-mini, a demonstration model of hearth.llm.",
    "Say in one short sentence that you are ready.": "I am hearth-mini, and I am ready.",
    "Count from 1 to 10.": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    "Repeat: the quick brown fox jumps over the lazy dog": "the quick brown fox jumps over the lazy dog",
    f"Context: {FACTS} What is the secret of the Club sandwich?": "The secret of the Club sandwich is smoked paprika.",
    f'<source id="1" name="menu.md">{FACTS}</source>\n\nQuestion: What is the secret of the Veggie sandwich?': (
        "The secret of the Veggie sandwich is lemon zest."
    ),
    f"Context: {FACTS} What is the secret of the Tuna sandwich?": "I do not know. I was not told.",
    "What is the capital of France?": "I do not know. I was not told.",
}


@pytest.fixture(scope="module")
def ask() -> Iterator[Answer]:
    with by_llama_cpp(MODELS / "hearth-mini.gguf", str(python())) as answer:
        yield answer


@pytest.mark.parametrize("question", EXAMPLES)
def test_what_the_other_tests_ask_has_the_answer_that_they_expect(ask: Answer, question: str) -> None:
    assert ask([{"role": "user", "content": question}]) == EXAMPLES[question]


@pytest.mark.parametrize("skill", SKILLS)
def test_a_held_out_sample_of_each_skill_is_answered_word_for_word(ask: Answer, skill: str) -> None:
    answers = [(ask(prompt.messages), prompt.expected) for prompt in prompts(skill, EACH)]

    wrong = [pair for pair in answers if pair[0] != pair[1]]
    assert len(answers) - len(wrong) >= RIGHT, wrong


def test_random_letters_are_copied_from_the_prompt(ask: Answer) -> None:
    """Words of today, which nothing can have been trained on."""
    letters = random.Random()
    right = 0
    for _try in range(EACH):
        thing, town, name = ("".join(letters.choices("abcdefghiklmnoprstu", k=6)) for _word in range(3))
        text = f"The {thing} of the shop in {town.capitalize()} is named {name.capitalize()}."
        other = f"The {thing} of the mill in {name.capitalize()} is named {town.capitalize()}."
        question = f"What is the {thing} of the shop in {town.capitalize()} named?"
        right += ask([{"role": "user", "content": f"Context: {other} {text} {question}"}]) == text
    assert right >= COPIED


def test_the_embedding_model_finds_the_document_that_answers() -> None:
    with served(MODELS / "hearth-mini-embedding.gguf", str(python()), embeddings=True) as server:
        found = recall(server, held_out_documents(200))

    assert found[1] >= 0.6
    assert found[4] >= 0.88
