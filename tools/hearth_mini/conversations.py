# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chats from a grammar: one kind for each skill, and mixtures of them over several turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.hearth.llm.tools.hearth_mini import frames
from ansible_collections.hearth.llm.tools.hearth_mini.facts import Fact, fact, facts, filler, rival, text
from ansible_collections.hearth.llm.tools.hearth_mini.phrases import (
    GREETINGS,
    NAME,
    OPENINGS,
    READY,
    SMALL_TALK,
    UNKNOWN,
    WHAT,
    WHO,
    WITHOUT_ANSWER,
)
from ansible_collections.hearth.llm.tools.hearth_mini.words import Lexicon


@dataclass
class Chat:
    """A conversation as it grows: what was said, who the assistant is and what it was told."""

    words: Lexicon
    messages: list[dict[str, str]] = field(default_factory=list)
    name: str | None = None
    known: list[Fact] = field(default_factory=list)
    taken: set[tuple[str, str]] = field(default_factory=set)
    # How many of the facts, and of the questions without an answer, differ from another fact in a single word.
    rivals: float = 0.0

    def say(self, question: str, answer: str) -> None:
        self.messages.append({"role": "user", "content": question})
        self.messages.append({"role": "assistant", "content": answer})

    def know(self, number: int) -> list[Fact]:
        """New facts, which may be asked for from now on."""
        new = facts(self.words, number, self.taken, self.rivals)
        self.known += new
        return new

    def learn(self, number: int, fillers: int) -> list[str]:
        """New facts, in one text or in several."""
        words = self.words
        new = self.know(number)
        parts = words.random.choices([1, 2, 3], [6, 2, 1])[0]
        return [text(words, new[part::parts], fillers // parts) for part in range(parts) if new[part::parts]]

    def question(self, known: bool) -> tuple[str, str]:
        """A question, and the sentence of the text that answers it, or that none does."""
        words = self.words
        if known:
            asked = words.random.choice(self.known)
            return self._worded(asked), asked.statement
        while True:
            sample = words.random.choice(self.known)
            if self.rivals and words.random.random() < self.rivals:
                asked = rival(words, sample)
                if asked.about not in self.taken:
                    return self._worded(asked), UNKNOWN
            kind = words.random.random()
            if kind < 0.35:
                asked = fact(words, thing=sample.entity)
            elif kind < 0.75:
                asked = fact(words, like=sample)
            else:
                asked = fact(words)
            if asked.about not in self.taken:
                return self._worded(asked), UNKNOWN

    def _worded(self, asked: Fact) -> str:
        pick = self.words.random
        question = pick.choice(asked.questions)
        if pick.random() < 0.06:
            question = question.removesuffix("?").removesuffix(".")
        if pick.random() < 0.05:
            question = question[0].lower() + question[1:]
        if pick.random() < 0.04:
            question = question.lower()
        return pick.choice(OPENINGS) + question if pick.random() < 0.08 else question


def _size(words: Lexicon, long: float) -> tuple[int, int]:
    """How many facts and fillers a text has."""
    pick = words.random
    if pick.random() < long:
        return (
            (pick.randint(8, 25), pick.randint(8, 40))
            if pick.random() < 0.08
            else (pick.randint(4, 12), pick.randint(2, 12))
        )
    return pick.randint(1, 5), pick.choice([0, 0, 1, 2, 4])


def begin(words: Lexicon, *, named: float = 0.25, told: float = 0.4, long: float = 0.25, rivals: float = 0.0) -> Chat:
    """A chat with or without a system prompt, which may give a name and may hold a text."""
    chat = Chat(words, rivals=rivals)
    pick = words.random
    instructions = [pick.choice(frames.INSTRUCTIONS) for _ in range(pick.choice([0, 1, 1, 2, 3]))]
    if pick.random() < named:
        chat.name = assistant_name(words)
        role = pick.choice(
            ["the assistant of a shop", "a helpful assistant", f"the voice of {words.town()}", "an assistant"]
        )
        forms = [f"You are {chat.name}, {role}.", f"You are {chat.name}.", f"Your name is {chat.name}."]
        forms += [
            f"You are {chat.name}, {role}. You answer questions about documents.",
            f"You are {role} called {chat.name}.",
        ]
        instructions = [rule for rule in instructions if not rule.startswith("You are a")]
        instructions.insert(0, pick.choice(forms))
    system = pick.choice([" ", " ", "\n"]).join(instructions)
    if pick.random() < told:
        number, fillers = _size(words, long)
        system = frames.system_with_text(words, system, chat.learn(number, fillers))
    if system and (chat.name or chat.known or pick.random() < 0.5):
        chat.messages.append({"role": "system", "content": system})
    return chat


def assistant_name(words: Lexicon) -> str:
    pick = words.random
    forms: list[Callable[[], str]] = [
        lambda: words.noun().capitalize() + words.noun().capitalize(),
        lambda: pick.choice(["Doc", "Shop", "Help", "Info", "Chat", "Data"]) + words.noun().capitalize(),
        lambda: (
            words.noun().capitalize()
            + pick.choice(["Explorer", "Helper", "Bot", "Guide", "Finder", "Expert", "Master"])
        ),
        words.name,
        lambda: f"{words.adjective().capitalize()} {words.name()}",
        lambda: f"{words.name()} {pick.randint(1, 99)}",
        lambda: f"{words.noun()}-{words.noun()}",
    ]
    return pick.choice(forms)()


def greet(chat: Chat) -> None:
    answer = f"Hello! I am {chat.name}." if chat.name else f"Hello! I am {NAME}, {WHAT}."
    chat.say(chat.words.random.choice(GREETINGS), answer)


def introduce(chat: Chat) -> None:
    chat.say(chat.words.random.choice(WHO), f"I am {chat.name}." if chat.name else f"I am {NAME}, {WHAT}.")


def be_ready(chat: Chat) -> None:
    chat.say(chat.words.random.choice(READY), f"I am {chat.name or NAME}, and I am ready.")


def small_talk(chat: Chat) -> None:
    answer = chat.words.random.choice(list(SMALL_TALK))
    chat.say(chat.words.random.choice(SMALL_TALK[answer].split("|")), answer)


def count(chat: Chat) -> None:
    pick = chat.words.random
    first = pick.choice([1, 1, 2, 3, pick.randint(0, 20), pick.randint(0, 90)])
    last = first + (pick.randint(1, 24) if pick.random() < 0.94 else pick.randint(25, 99))
    forms = [
        "Count from {} to {}.",
        "Count from {} to {}",
        "Please count from {} to {}.",
        "Can you count from {} to {}?",
    ]
    forms += [
        "count from {} to {}",
        "Count for me from {} to {}.",
        "Say the numbers from {} to {}.",
        "Now count from {} to {}.",
    ]
    if first == 1:
        forms += ["Count to {1}.", "Please count to {1}."]
    chat.say(pick.choice(forms).format(first, last), ", ".join(str(number) for number in range(first, last + 1)))


def repeat(chat: Chat) -> None:
    phrase = phrase_to_repeat(chat.words)
    forms = ["Repeat: {}", "Repeat after me: {}", "Say: {}", "Please repeat: {}", "Repeat this: {}", "Echo: {}"]
    forms += [
        "Please say: {}",
        "Repeat the following words: {}",
        'Say "{}"',
        'Repeat "{}"',
        'Say "{}".',
        'Please repeat "{}".',
    ]
    forms += [
        "Repeat exactly: {}",
        "Repeat the phrase: {}",
        "Repeat these words: {}",
        "Say exactly this: {}",
        "Repeat\n{}",
    ]
    forms += ["Reply with: {}", "Reply with exactly: {}", "Answer with exactly: {}", "Write: {}"]
    chat.say(chat.words.random.choice(forms).format(phrase), phrase)


def phrase_to_repeat(words: Lexicon) -> str:
    pick = words.random
    length = pick.choice([1, 2, 3, 4, 5, 6, 8, 10, 12])
    forms: list[Callable[[], str]] = [
        lambda: " ".join(words.any() for _ in range(length)),
        lambda: " ".join(words.draw([], invented=1.0) for _ in range(length)),
        lambda: filler(words),
        lambda: fact(words).statement,
        lambda: " ".join(str(pick.randint(0, 9999)) for _ in range(length)),
        lambda: " ".join(pick.choice([words.odd, words.any])() for _ in range(length)),
        lambda: ", ".join(words.any() for _ in range(length)),
    ]
    return pick.choices(forms, [5, 4, 2, 2, 1, 2, 1])[0]()


def ask_with_text(chat: Chat, *, known: bool | None = None, long: float = 0.2) -> None:
    """A message with a text of its own. Older texts may answer, too."""
    number, fillers = _size(chat.words, long)
    # What was known before is farther away; the question is about the new text, mostly.
    before = chat.known
    chat.known = []
    texts = chat.learn(number, fillers)
    question, answer = chat.question(_answerable(chat) if known is None else known)
    chat.known = before + chat.known
    chat.say(frames.ask_with_text(chat.words, texts, question), answer)


def ask_of_text(chat: Chat, *, known: bool | None = None) -> None:
    """A bare question about a text that stands further up."""
    chat.say(*chat.question(_answerable(chat) if known is None else known))


def ask_without_text(chat: Chat) -> None:
    words = chat.words
    form = words.random.choice(WITHOUT_ANSWER)
    question = form.format(
        town=words.town(), noun=words.noun(), name=words.name(), adjective=words.adjective(), value=words.value()
    )
    if words.random.random() < 0.4:
        asked = fact(words)
        if asked.about in chat.taken:
            return
        question = words.random.choice(asked.questions)
    chat.say(question, UNKNOWN)


def _answerable(chat: Chat) -> bool:
    return chat.words.random.random() < 0.78


def mixture(words: Lexicon, *, long: float = 0.2, rivals: float = 0.0) -> list[dict[str, str]]:
    """One conversation of the training data."""
    pick = words.random
    chat = begin(words, long=long, rivals=rivals)
    skills: dict[Callable[[Chat], None], float] = {
        repeat: 3, count: 2, introduce: 1.2, greet: 0.8, be_ready: 0.6, small_talk: 0.6, ask_without_text: 1.5,
        lambda chat: ask_with_text(chat, long=long): 4,
    }  # fmt: skip
    for _turn in range(pick.choice([1, 1, 2, 2, 3, 4])):
        if chat.known and pick.random() < 0.75:
            ask_of_text(chat)
        else:
            pick.choices(list(skills), list(skills.values()))[0](chat)
    if not any(message["role"] == "assistant" for message in chat.messages):
        greet(chat)
    return chat.messages


def drill(words: Lexicon, rivals: float = 0.6, answerable: float = 0.6) -> list[dict[str, str]]:
    """Few facts that differ in a word, and many questions, with and without answers: what takes longest to learn."""
    pick = words.random
    chat = Chat(words, rivals=rivals)
    texts = chat.learn(pick.randint(2, 6), pick.choice([0, 0, 0, 1, 2]))
    above = pick.random() < 0.5
    if above:
        system = frames.system_with_text(words, pick.choice(frames.INSTRUCTIONS), texts)
        chat.messages.append({"role": "system", "content": system})
    for turn in range(pick.randint(3, 6)):
        question, answer = chat.question(pick.random() < answerable)
        if turn == 0 and not above:
            question = frames.ask_with_text(words, texts, question)
        chat.say(question, answer)
    return chat.messages
