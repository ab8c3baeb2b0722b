# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompt, and what is cut out of it when it comes near the model's window.

Seen: AnythingLLM 1.16.0, driven unmodified (prompt + 600 tokens reach the window: about 11 % of the window is left for the context).
Source: messageArrayCompressor and cannonball in server/utils/helpers/chat/index.js; the shares in server/utils/AiProviders/genericOpenAi/index.js.
The server counts with tiktoken; here a token is four ASCII characters, two of another alphabet, or one of Chinese, Japanese or Korean.
"""

from __future__ import annotations

import re
from typing import List, Tuple

# What the server keeps free for the answer, whatever max_tokens says.
BUFFER = 600
CUT = "\n\n--prompt truncated for brevity--\n\n"
_SCRIPTS = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef]")

Message = dict
# Questions with their answers, oldest first.
Pairs = List[Tuple[str, str]]


def tokens(text: str) -> float:
    ascii_letters = sum(1 for letter in text if letter < "\x80")
    whole = len(_SCRIPTS.findall(text))
    return ascii_letters / 4 + whole + (len(text) - ascii_letters - whole) / 2


def with_context(prompt: str, context: list[str]) -> str:
    if not context:
        return prompt
    pieces = (f"[CONTEXT {number}]:\n{text}\n[END CONTEXT {number}]\n\n" for number, text in enumerate(context))
    return prompt + "\nContext:\n" + "".join(pieces)


def messages(system: str, history: Pairs, question: str) -> list[Message[str, str]]:
    turns = [{"role": role, "content": text} for pair in history for role, text in zip(("user", "assistant"), pair)]
    return [{"role": "system", "content": system}, *turns, {"role": "user", "content": question}]


def fitted(asked: list[Message[str, str]], window: int, history: Pairs) -> list[Message[str, str]]:
    """The messages, or what the server makes of them where they do not fit. `history` is what it shortens the turns from."""
    if sum(tokens(message["content"]) + 4 for message in asked) + BUFFER < window:
        return asked
    system, question = asked[0]["content"], asked[-1]["content"]
    if tokens(question) > window * 0.7:
        return [{"role": "user", "content": cut(question, window * 0.8)}]
    return messages(_system(system, window * 0.15), _history(history, window * 0.15), question)


def _system(text: str, share: float) -> str:
    """A quarter of the share for the instructions, the rest for the context: the context has 11.25 % of the window."""
    if tokens(text) < share:
        return text
    # Split as the server splits: what follows a second "Context:" in the text is lost.
    prompt, context, *_lost = [*text.split("Context:"), ""]
    shortened = cut(context, share * 0.75)
    return cut(prompt, share * 0.25) + (f"\nContext: {shortened}" if shortened else "")


def _history(history: Pairs, share: float) -> Pairs:
    kept: Pairs = []
    used = 0.0
    for number, (question, answer) in enumerate(reversed(history)):
        size = tokens(question) + tokens(answer)
        if used + size >= share:
            if number > 2:
                break
            question, answer = cut(question, share // 2.2), cut(answer, share // 2.2)
            size = tokens(question) + tokens(answer) + 8
            if used + size > share:
                continue
        kept.insert(0, (question, answer))
        used += size
    return kept


def cut(text: str, wanted: float) -> str:
    """A hole in the middle."""
    size = tokens(text)
    if not text or size < wanted:
        return text
    half = int(len(text) * wanted / size / 2)
    return text[:half] + CUT + text[len(text) - half :]
