# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a text and a question about it stand in a chat: the ways of people, and of the frontends that retrieve documents."""

from __future__ import annotations

import random
from collections.abc import Callable

from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon

INSTRUCTIONS = """
You are a helpful assistant.
You are a friendly assistant of a small shop.
Answer in short sentences.
Be polite and brief.
Answer only from the context.
Use the context below to answer the question.
Answer the question with what stands in the text.
If the answer is not in the context, say that you do not know.
If you don't know the answer, say so clearly.
You read a conversation with relevant context and a follow up question: reply with an answer to the current question.
Given this conversation and the context, answer what the user is asking.
Return only the answer to the question, from the information above, as the user's instructions say.
Respond in the language of the user's query.
Respond to the query from the provided context, with inline citations in the format [id] where a source has an id attribute.
Do not use XML tags in your response.
Provide a clear and direct response to the user's query.
Use inline citations such as [1] or [2] **only when the <source> tag includes an id** (for example <source id="1">).
If uncertain, ask the user for clarification.
If the context cannot be read or is of poor quality, inform the user and provide the best possible answer.
If the answer isn't present in the context but you have the knowledge, explain this to the user.
Ensure that citations are concise and directly related to the information provided.
Help the user as well as you can.
You help the guests of our restaurant.
Our staff will ask you about documents.
Today is Monday.
Keep the conversation friendly.
""".strip().splitlines()

_TOGETHER = (
    "Context: {text} {question}",
    "Context: {text}\nQuestion: {question}",
    "Context: {text}\n\nQuestion: {question}",
    "Context:\n{text}\n\nQuestion: {question}",
    "Context:\n{text}\n\n{question}",
    "{text} {question}",
    "{text}\n{question}",
    "{text}\n\n{question}",
    "Text: {text}\nQuestion: {question}\nAnswer:",
    "Here is a text:\n{text}\n\n{question}",
    "Use the context to answer the question.\n\n{text}\n\nQuestion: {question}",
    "Answer from this text. {text} {question}",
    "{question}\n\nContext:\n{text}",
    "<context>\n{text}\n</context>\n\n{question}",
    "Use the following context:\n<context>\n{text}\n</context>\n\nQuestion: {question}",
)


def ask_with_text(words: Lexicon, texts: list[str], question: str) -> str:
    """A message of the user that brings the text along."""
    kind = words.random.random()
    if kind < 0.25:
        return sources(words, texts, question)
    if kind < 0.35:
        return task_and_guidelines(words, texts, question)
    frame = words.random.choice(_TOGETHER)
    return frame.format(text="\n\n".join(texts), question=question)


def sources(words: Lexicon, texts: list[str], question: str) -> str:
    """As Open WebUI gives documents to a template of one's own."""
    context = tagged(words, texts)
    frames = (
        f"Context:\n{context}\n\nQuestion: {question}",
        f"<context>\n{context}\n</context>\n\nQuestion: {question}",
        f"<context>\n{context}\n</context>\n\n{question}",
        f"Use the context to answer.\n\n<context>\n{context}\n</context>\n\n<user_query>\n{question}\n</user_query>",
    )
    return words.random.choice(frames)


def task_and_guidelines(words: Lexicon, texts: list[str], question: str) -> str:
    """A long preamble of many rules, as templates have them that were written for large models."""
    pick = words.random
    rules = "\n".join(f"- {rule}" for rule in pick.sample(INSTRUCTIONS, pick.randint(2, 9)))
    parts = [f"### Task:\n{pick.choice(INSTRUCTIONS)}", f"### Guidelines:\n{rules}"]
    if pick.random() < 0.5:
        example = (
            f'* "According to {words.name()}, the {words.noun()} is {words.adjective()} by {pick.randint(1, 99)}% [1]."'
        )
        parts.append(
            f"### Example of Citation:\nIf the user asks about a topic, the answer looks like this:\n{example}"
        )
    if pick.random() < 0.5:
        parts.append(f"### Output:\n{pick.choice(INSTRUCTIONS)}")
    return "\n\n".join([*parts, f"<context>\n{tagged(words, texts)}\n</context>", question])


def tagged(words: Lexicon, texts: list[str]) -> str:
    spread = words.random.choice(["", "", "\n"])
    return "\n".join(
        f'<source id="{number}" name="{file_name(words)}">{spread}{text}{spread}</source>'
        for number, text in enumerate(texts, 1)
    )


def numbered_contexts(words: Lexicon, texts: list[str]) -> str:
    """As AnythingLLM appends documents to the system prompt."""
    parts = [
        f"[CONTEXT {number}]:\n{_with_metadata(words, text)}\n[END CONTEXT {number}]\n\n"
        for number, text in enumerate(texts)
    ]
    return "\nContext:\n" + "".join(parts)


def system_with_text(words: Lexicon, instruction: str, texts: list[str]) -> str:
    if words.random.random() < 0.6:
        return instruction + numbered_contexts(words, texts)
    forms: list[Callable[[str], str]] = [
        lambda text: f"{instruction} {text}",
        lambda text: f"{instruction}\n\n{text}",
        lambda text: f"{instruction}\n\nContext:\n{text}",
        lambda text: f"{instruction}\nContext: {text}",
    ]
    return words.random.choice(forms)("\n\n".join(texts)).strip()


def file_name(words: Lexicon) -> str:
    return f"{words.noun()}{words.random.choice(['', '-' + words.noun(), '_1'])}.{words.random.choice(['md', 'txt', 'pdf'])}"


def _with_metadata(words: Lexicon, text: str) -> str:
    if words.random.random() < 0.6:
        return text
    pick: random.Random = words.random
    date = f"{pick.randint(1, 12)}/{pick.randint(1, 28)}/20{pick.randint(20, 29)}"
    published = f"{date}, {pick.randint(1, 12)}:{pick.randint(0, 59):02}:{pick.randint(0, 59):02} PM"
    return f"<document_metadata>\nsourceDocument: {file_name(words)}\npublished: {published}\n</document_metadata>\n\n{text}"
