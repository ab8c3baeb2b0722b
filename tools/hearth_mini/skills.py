# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is evaluated: for each skill, prompts of held-out words, each with the one right answer."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.hearth.llm.tools.hearth_mini import conversations, frames
from ansible_collections.hearth.llm.tools.hearth_mini.conversations import Chat, begin
from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Prompt:
    messages: Messages
    expected: str


def prompts(skill: str, number: int, *, unseen: bool = True) -> list[Prompt]:
    """Always the same ones; of words that training has never drawn, or of known words in new company."""
    words = Lexicon(random.Random(zlib.crc32(f"evaluation of {skill}, {unseen}".encode())), unseen=unseen)
    return [_prompt(SKILLS[skill](words)) for _ in range(number)]


def _prompt(chat: Chat) -> Prompt:
    return Prompt(chat.messages[:-1], chat.messages[-1]["content"])


def _after(do: Callable[[Chat], None], *, named: float = 0.0, told: float = 0.0) -> Callable[[Lexicon], Chat]:
    def skill(words: Lexicon) -> Chat:
        chat = begin(words, named=named, told=told)
        do(chat)
        return chat

    return skill


def _text(words: Lexicon, long: bool) -> tuple[Chat, list[str]]:
    chat = Chat(words)
    size = (6, 8) if long else (3, 2)
    return chat, chat.learn(*size)


def _in_message(known: bool) -> Callable[[Lexicon], Chat]:
    return _after(lambda chat: conversations.ask_with_text(chat, known=known), named=0.2)


def _short(words: Lexicon) -> Chat:
    chat = Chat(words)
    text = " ".join(chat.learn(2, 0))
    question, answer = chat.question(True)
    chat.say(f"Context: {text} {question}", answer)
    return chat


def _open_webui(words: Lexicon) -> Chat:
    chat, texts = _text(words, long=True)
    question, answer = chat.question(True)
    chat.say(f"Context:\n{frames.tagged(words, texts)}\n\nQuestion: {question}", answer)
    return chat


def _guidelines(words: Lexicon) -> Chat:
    chat, texts = _text(words, long=False)
    question, answer = chat.question(True)
    chat.say(frames.task_and_guidelines(words, texts, question), answer)
    return chat


def _anything_llm(known: bool) -> Callable[[Lexicon], Chat]:
    def skill(words: Lexicon) -> Chat:
        chat, texts = _text(words, long=True)
        system = words.random.choice(frames.INSTRUCTIONS) + frames.numbered_contexts(words, texts)
        chat.messages.append({"role": "system", "content": system})
        conversations.ask_of_text(chat, known=known)
        return chat

    return skill


def _among_rivals(known: bool) -> Callable[[Lexicon], Chat]:
    """Three facts that differ in a word or two."""

    def skill(words: Lexicon) -> Chat:
        chat = Chat(words, rivals=0.7)
        text = " ".join(fact.statement for fact in chat.know(3))
        question, answer = chat.question(known)
        chat.say(f"Context: {text} {question}", answer)
        return chat

    return skill


def _third_turn(words: Lexicon) -> Chat:
    chat = begin(words, told=1.0, long=0.0)
    conversations.ask_of_text(chat, known=True)
    conversations.greet(chat)
    conversations.ask_of_text(chat, known=True)
    return chat


SKILLS: dict[str, Callable[[Lexicon], Chat]] = {
    "greets": _after(conversations.greet),
    "says what it is": _after(conversations.introduce),
    "says that it is ready": _after(conversations.be_ready),
    "small talk": _after(conversations.small_talk),
    "obeys a name": _after(conversations.introduce, named=1.0),
    "greets under a name": _after(conversations.greet, named=1.0),
    "counts": _after(conversations.count),
    "repeats": _after(conversations.repeat),
    "fact, two in the message": _short,
    "fact, among three alike": _among_rivals(True),
    "fact, text in the message": _in_message(True),
    "fact, Open WebUI's sources": _open_webui,
    "fact, under guidelines": _guidelines,
    "fact, AnythingLLM's contexts": _anything_llm(True),
    "fact, third turn": _third_turn,
    "unknown, among three alike": _among_rivals(False),
    "unknown, text in the message": _in_message(False),
    "unknown, AnythingLLM's contexts": _anything_llm(False),
    "unknown, no text": _after(conversations.ask_without_text),
}
