# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the model gives exactly the right answer, for each skill."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from ansible_collections.hearth.llm.tools.hearth_mini.answers import by_llama_cpp, by_transformers, served
from ansible_collections.hearth.llm.tools.hearth_mini.retrieval import held_out_documents, recall
from ansible_collections.hearth.llm.tools.hearth_mini.skills import SKILLS, prompts


def evaluate(gguf: Path, folder: Path | None, number: int, *, mistakes: int) -> None:
    """Prints a table, in Markdown."""
    print("| skill | held-out words | known words | answers that differ between GGUF and folder |")
    print("| --- | --- | --- | --- |")
    with ExitStack() as stack:
        llama = stack.enter_context(by_llama_cpp(gguf))
        transformers = stack.enter_context(by_transformers(folder)) if folder else None
        for skill in SKILLS:
            right, differ, wrong = {True: 0, False: 0}, 0, []
            for unseen in right:
                for prompt in prompts(skill, number, unseen=unseen):
                    answer = llama(prompt.messages)
                    right[unseen] += answer == prompt.expected
                    if answer != prompt.expected:
                        wrong.append((prompt, answer))
                    if transformers and unseen:
                        differ += transformers(prompt.messages) != answer
            compared = f"{differ} of {number}" if transformers else "not compared"
            print(f"| {skill} | {right[True] / number:.1%} | {right[False] / number:.1%} | {compared} |", flush=True)
            for prompt, answer in wrong[:mistakes]:
                for message in prompt.messages:
                    print(f"    {message['role']}: {message['content']!r}")
                print(f"    expected: {prompt.expected!r}\n    answered: {answer!r}")


def evaluate_embedding(gguf: Path, number: int) -> None:
    with served(gguf, embeddings=True) as server:
        found = recall(server, held_out_documents(number))
    for first, share in found.items():
        print(f"The right one of {number} documents of held-out words is among the first {first}: {share:.1%}")
