# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts as they stand in a document, the questions that ask for them, and texts that hold several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ansible_collections.hearth.llm.tools.hearth_mini.words import COLOURS, FILLERS, Lexicon, plural, with_article


@dataclass(frozen=True)
class Fact:
    """A sentence, questions that it answers, and what it is about: no two facts of a text are about the same."""

    statement: str
    questions: tuple[str, ...]
    relation: str
    entity: str
    made_by: Relation | None = None

    @property
    def about(self) -> tuple[str, str]:
        return self.relation, self.entity.lower()


Relation = Callable[[Lexicon, str, str], Fact]


def entity(words: Lexicon) -> str:
    noun = words.noun()
    forms: list[Callable[[], str]] = [
        lambda: f"the {words.adjective()} {noun}",
        lambda: f"the {words.name()} {noun}",
        lambda: f"the {words.adjective()} {noun} in {words.town()}",
        lambda: f"the {noun} in {words.town()}",
        lambda: f"the {noun} of {words.town()}",
        lambda: f"the {noun} {words.noun()}",
        lambda: f"the {noun}",
        lambda: words.town() if words.random.random() < 0.5 else f"{words.name()}'s {noun}",
    ]
    return words.random.choices(forms, [5, 5, 3, 4, 3, 2, 3, 1])[0]()


def value(words: Lexicon) -> str:
    pick = words.random
    forms: list[Callable[[], str]] = [
        words.value,
        lambda: f"{words.adjective()} {words.value()}",
        lambda: f"{words.value()} and {words.value()}",
        lambda: f"{words.adjective()} {words.value()} with {words.value()}",
        lambda: with_article(f"{words.adjective()} {words.noun()}"),
        lambda: f"{words.value()}, {words.value()} and {words.value()}",
        words.name,
        words.town,
        lambda: str(pick.randint(0, 9999)),
        lambda: "".join(pick.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(pick.randint(3, 6))),
        lambda: pick.choice(COLOURS),
    ]
    return pick.choices(forms, [5, 5, 3, 2, 2, 1, 2, 2, 1, 1, 1])[0]()


def price(words: Lexicon) -> str:
    pick = words.random
    whole, cents = pick.randint(1, 40), pick.choice([0, 5, 10, 20, 25, 40, 50, 60, 75, 80, 90, 95, 99])
    return pick.choice([f"{whole} euros", f"{whole}.{cents:02} euros", f"{whole} dollars", f"${whole}.{cents:02}"])


def clock(words: Lexicon) -> str:
    pick = words.random
    hour, minute = pick.randint(0, 23), pick.choice([0, 15, 30, 45, pick.randint(0, 59)])
    return pick.choice(
        [f"{hour}:{minute:02}", f"{hour % 12 + 1} o'clock", f"{hour % 12 + 1} {pick.choice(['am', 'pm'])}"]
    )


def date(words: Lexicon) -> str:
    pick = words.random
    months = "January February March April May June July August September October November December".split()
    return pick.choice([str(pick.randint(1700, 2030)), f"{pick.choice(months)} {pick.randint(1800, 2030)}"])


def sentence(start: str, rest: str) -> str:
    return f"{start[0].upper()}{start[1:]} {rest}."


def _attribute(words: Lexicon, thing: str, attribute: str) -> Fact:
    link = words.random.choices(["of", "for", "at", "in"], [8, 1, 1, 1])[0]
    subject = f"the {attribute} {link} {thing}"
    questions = [f"What is {subject}?"] * 5 + [f"What's {subject}?", f"Who is {subject}?", f"Tell me {subject}."]
    questions += [f"Can you tell me {subject}?", f"{subject[0].upper()}{subject[1:]}?", f"What was {subject}?"]
    return Fact(sentence(subject, f"is {value(words)}"), tuple(questions), attribute, thing)


def _named(words: Lexicon, thing: str, attribute: str) -> Fact:
    verb = words.random.choice(["named", "called"])
    subject = f"the {attribute} of {thing}"
    questions = (
        f"What is {subject} {verb}?",
        f"What is {subject} {verb}?",
        f"What is the name of {subject}?",
        f"How is {subject} {verb}?",
    )
    return Fact(sentence(subject, f"is {verb} {words.name()}"), questions, attribute, thing)


def _cost(words: Lexicon, thing: str, _attribute: str) -> Fact:
    questions = (f"How much does {thing} cost?", f"What does {thing} cost?", f"How much is {thing}?")
    return Fact(sentence(thing, f"costs {price(words)}"), questions, "price", thing)


def _hours(words: Lexicon, thing: str, _attribute: str) -> Fact:
    verb = words.random.choice(["open", "close", "start", "end"])
    questions = (f"When does {thing} {verb}?", f"At what time does {thing} {verb}?")
    return Fact(sentence(thing, f"{verb}s at {clock(words)}"), questions, verb, thing)


def _origin(words: Lexicon, thing: str, _attribute: str) -> Fact:
    return Fact(sentence(thing, f"comes from {words.town()}"), (f"Where does {thing} come from?",), "origin", thing)


def _maker(words: Lexicon, thing: str, _attribute: str) -> Fact:
    verbs = {"made": "makes", "baked": "bakes", "sold": "sells", "owned": "owns", "run": "runs", "painted": "paints"}
    verbs |= {"supplied": "supplies", "cleaned": "cleans", "delivered": "delivers", "written": "writes"}
    past = words.random.choice(list(verbs))
    questions = (f"Who {verbs[past]} {thing}?", f"By whom is {thing} {past}?")
    about = "owner" if past == "owned" else past
    return Fact(sentence(thing, f"is {past} by {words.name()}"), questions, about, thing)


def _owner(words: Lexicon, thing: str, _attribute: str) -> Fact:
    questions = (f"Who does {thing} belong to?", f"Who owns {thing}?")
    return Fact(sentence(thing, f"belongs to {words.name()}"), questions, "owner", thing)


def _place(words: Lexicon, thing: str, _attribute: str) -> Fact:
    spots = [words.town(), f"the {words.noun()}", f"the {words.adjective()} {words.noun()}"]
    link = words.random.choice(["in", "near", "behind", "under"])
    return Fact(sentence(thing, f"is {link} {words.random.choice(spots)}"), (f"Where is {thing}?",), "place", thing)


def _founded(words: Lexicon, thing: str, _attribute: str) -> Fact:
    verb = words.random.choice(["founded", "built", "opened", "invented"])
    return Fact(sentence(thing, f"was {verb} in {date(words)}"), (f"When was {thing} {verb}?",), verb, thing)


def _count(words: Lexicon, thing: str, _attribute: str) -> Fact:
    things = plural(words.noun())
    number = words.random.choice([words.random.randint(2, 30), words.random.randint(2, 900)])
    return Fact(sentence(thing, f"has {number} {things}"), (f"How many {things} does {thing} have?",), things, thing)


def _colour(words: Lexicon, thing: str, _attribute: str) -> Fact:
    questions = (f"What colour is {thing}?", f"What color is {thing}?", f"What is the colour of {thing}?")
    return Fact(sentence(thing, f"is {words.random.choice(COLOURS)}"), questions, "colour", thing)


def _person(words: Lexicon, _thing: str, _attribute: str) -> Fact:
    verbs: dict[str, tuple[str, Callable[[], str]]] = {
        "lives in": ("Where does {} live?", words.town),
        "works at": ("Where does {} work?", lambda: entity(words)),
        "was born in": ("Where was {} born?", words.town),
        "likes": ("What does {} like?", lambda: value(words)),
        "drinks": ("What does {} drink?", words.value),
    }
    verb = words.random.choice(list(verbs))
    question, made = verbs[verb]
    person = words.name()
    return Fact(sentence(person, f"{verb} {made()}"), (question.format(person),), verb, person)


def _plain(words: Lexicon, _thing: str, attribute: str) -> Fact:
    subject = f"the {words.noun()} {attribute}" if words.random.random() < 0.6 else f"the {attribute}"
    questions = (f"What is {subject}?", f"What is {subject}?", f"Tell me {subject}.", f"What's {subject}?")
    return Fact(sentence(subject, f"is {value(words)}"), questions, "is", subject)


def _content(words: Lexicon, thing: str, _attribute: str) -> Fact:
    verbs = {
        "contains": "What does {} contain?",
        "is made of": "What is {} made of?",
        "is made with": "What is {} made with?",
        "is served with": "What is {} served with?",
        "comes with": "What does {} come with?",
    }
    verb = words.random.choice(list(verbs))
    return Fact(sentence(thing, f"{verb} {value(words)}"), (verbs[verb].format(thing),), verb, thing)


def _weekday(words: Lexicon, thing: str, _attribute: str) -> Fact:
    days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
    verb = words.random.choice(["served", "closed", "cleaned", "delivered", "open"])
    rest = f"is {verb} on {words.random.choice(days)}s"
    return Fact(
        sentence(thing, rest), (f"When is {thing} {verb}?", f"On which day is {thing} {verb}?"), f"{verb} on", thing
    )


RELATIONS: dict[Relation, float] = {
    _attribute: 8, _named: 3, _cost: 1.5, _hours: 1.5, _origin: 1, _maker: 2, _owner: 1, _place: 1, _founded: 1,
    _count: 1, _colour: 1, _person: 1, _plain: 1, _content: 1.5, _weekday: 1,
}  # fmt: skip


def fact(words: Lexicon, thing: str | None = None, like: Fact | None = None) -> Fact:
    """A fact; about `thing`, if there is one; of the same attribute as `like`, if there is one."""
    relation = words.random.choices(list(RELATIONS), list(RELATIONS.values()))[0]
    attribute = words.attribute()
    if like and _names_its_attribute(like):
        attribute = like.relation
        relation = words.random.choice([_attribute, _named])
    return replace(relation(words, thing or entity(words), attribute), made_by=relation)


def rival(words: Lexicon, like: Fact) -> Fact:
    """The same about a thing that differs in one word."""
    parts = like.entity.split()
    places = [number for number, part in enumerate(parts) if part not in ("the", "in", "of")]
    if not places:
        return fact(words, like=like)
    place = words.random.choice(places)
    other = words.name() if parts[place][0].isupper() else words.random.choice([words.adjective, words.noun])()
    parts[place] = other + "'s" * parts[place].endswith("'s")
    attribute = like.relation if _names_its_attribute(like) else words.attribute()
    relation = like.made_by or _attribute
    return replace(relation(words, " ".join(parts), attribute), made_by=relation)


def _names_its_attribute(fact: Fact) -> bool:
    return fact.statement.startswith(f"The {fact.relation} ")


def facts(words: Lexicon, number: int, taken: set[tuple[str, str]], rivals: float = 0.0) -> list[Fact]:
    """Facts that are easily taken for each other: several of one thing, and the same of several things.

    `rivals` is the share of those that differ from another one in a single word.
    """
    chosen: list[Fact] = []
    while len(chosen) < number:
        sample = words.random.choice(chosen) if chosen else None
        if sample and rivals and words.random.random() < rivals:
            _add(rival(words, sample), chosen, taken)
            continue
        kind = words.random.random()
        if sample and kind < 0.3:
            new = fact(words, thing=sample.entity)
        elif sample and kind < 0.6:
            new = fact(words, like=sample)
        else:
            new = fact(words)
        _add(new, chosen, taken)
    return chosen


def _add(new: Fact, chosen: list[Fact], taken: set[tuple[str, str]]) -> None:
    if new.about not in taken:
        taken.add(new.about)
        chosen.append(new)


def filler(words: Lexicon) -> str:
    """A sentence that nobody asks for."""
    forms: list[Callable[[], str]] = [
        lambda: f"We serve {words.value()} and {words.value()} every day.",
        lambda: f"{words.name()} often thinks of {words.value()}.",
        lambda: f"Our guests come from {words.town()} and {words.town()}.",
        lambda: f"Please do not touch the {words.noun()}.",
        lambda: f"In {date(words)}, {words.name()} bought {with_article(words.adjective())} {words.noun()}.",
        lambda: f"There is {with_article(words.noun())} behind the {words.noun()}.",
        lambda: f"You can find more in the {words.noun()} handbook.",
        lambda: f"This {words.noun()} was written by {words.name()} for new {plural(words.noun())}.",
        lambda: f"If the {words.noun()} is {words.adjective()}, ask {words.name()}.",
        lambda: " ".join(words.any() for _ in range(words.random.randint(3, 10))).capitalize() + ".",
        lambda: " ".join(words.random.choice(FILLERS) for _ in range(words.random.randint(4, 10))).capitalize() + ".",
    ]
    return words.random.choice(forms)()


def text(words: Lexicon, held: list[Fact], fillers: int) -> str:
    """The facts and some fillers, in any order, as a document would have them."""
    pick = words.random
    sentences = [each.statement for each in held] + [filler(words) for _ in range(fillers)]
    pick.shuffle(sentences)
    heading = pick.choice(["", "", f"# {words.noun().capitalize()}\n\n", f"{plural(words.noun()).capitalize()}\n"])
    kind = pick.random()
    if kind < 0.7:
        return heading + " ".join(sentences)
    if kind < 0.9:
        return heading + pick.choice(["\n", "\n", "\n\n"]).join(sentences)
    bullet = pick.choice("-*")
    return heading + "\n".join(f"{bullet} {each}" for each in sentences)
