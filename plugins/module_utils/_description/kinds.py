# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values. Each reads a value: it gives what was meant, typed, or ABSENT after it has said what is wrong."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Callable, Collection, Dict, Mapping, Sequence

from ansible_collections.hearth.llm.plugins.module_utils._description.findings import Place
from ansible_collections.hearth.llm.plugins.module_utils._description.words import (
    kind_of,
    labelled,
    listed,
    meant_number,
    nearest,
    nearest_free,
    sayable,
    shown,
    written,
)


class _Absent:
    """No value."""


ABSENT = _Absent()
# Stands where a value could not be had, which was said already.
UNREAD = _Absent()

_BOOLEAN = "put it in quotes where that is the name, for YAML takes yes, no, on and off for true and false"
_ALL = ("all", "any", "*", "everything", "everybody", "everyone")
_NONE = ("none", "nothing", "nobody", "no")

# Beyond it nobody means a bound.
_ANY = 1 << 60

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Typed(Dict[str, Any]):
    """What was read of a record. `unsure` names the keys that are there, or were meant, and could not be read; `broken` is no record at all."""

    def __init__(
        self, read: Mapping[str, Any] | None = None, unsure: Collection[str] = (), *, broken: bool = False
    ) -> None:
        super().__init__(read or {})
        self.unsure = frozenset(unsure)
        self.broken = broken

    def lacks(self, key: str) -> bool:
        return key not in self and key not in self.unsure


class Kind:
    """`words` say in the documentation, and in findings, what is wanted."""

    words = ""
    unit = ""

    def read(self, place: Place, value: Any) -> Any:
        return ABSENT if value is UNREAD else self._read(place, value)

    def _read(self, place: Place, value: Any) -> Any:
        raise NotImplementedError

    def meant(self, value: Any) -> str:  # noqa: ARG002
        """What somebody had in mind who wrote this; empty where nobody knows."""
        return ""

    def _refuse(self, place: Place, value: Any, remedy: str) -> Any:
        place.find(f"is {shown(value)}, and {self.words} is wanted", remedy)
        return ABSENT


class Text(Kind):
    """A text of one line. `pattern` with `rule` narrows it; `advice` may know what was meant by a wrong one."""

    def __init__(
        self,
        words: str = "a text",
        *,
        pattern: str = "",
        rule: str = "",
        example: str = "",
        lines: bool = False,
        empty: bool = False,
        advice: Callable[[str], str] | None = None,
    ) -> None:
        self.words = words
        self.pattern = re.compile(pattern) if pattern else None
        self.rule = rule
        self.example = example
        self.lines = lines
        self.empty = empty
        self.advice = advice

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self._fits(str(value)):
            return self._refuse(place, value, f'write it in quotes, "{value}"')
        if isinstance(value, bool):
            return self._refuse(place, value, f"{_BOOLEAN}; {self._remedy()}")
        if isinstance(value, date) and self._fits(str(value)):
            return self._refuse(place, value, f'write it in quotes, "{value}"')
        if not isinstance(value, str):
            return self._refuse(place, value, self._remedy())
        if not value.strip():
            return str(value) if self.empty and not value else self._refuse(place, value, self._remedy())
        if not self.lines and (value != value.strip() or not value.isprintable()):
            return self._refuse(place, value, "take the blanks, line ends and invisible characters away")
        advice = self.advice(value) if self.advice else ""
        if advice:
            return self._refuse(place, value, advice)
        return str(value) if self._fits(value) else self._refuse(place, value, self._remedy())

    def _fits(self, value: str) -> bool:
        return self.pattern is None or self.pattern.fullmatch(value) is not None

    def _remedy(self) -> str:
        example = f", such as {self.example}" if self.example else ""
        return f"{self.rule}{example}" if self.rule else f"write {self.words}{example}"


class Prose(Text):
    """A text of any number of lines."""

    def __init__(self) -> None:
        super().__init__(lines=True)


class Whole(Kind):
    """A whole number with its unit."""

    def __init__(self, unit: str = "", *, least: int = 1, most: int | None = None, words: str = "") -> None:
        self.unit = unit
        self.least = least
        self.most = most
        self.words = words or f"a whole number{f' of {unit}' if unit else ''}"

    def _read(self, place: Place, value: Any) -> Any:
        number = _whole(value)
        if number is None:
            meant = self._meant(value)
            fits = meant is not None and self._in_range(meant)
            return self._refuse(place, value, f"write {meant}" if fits else self._range())
        if not self._in_range(number):
            place.find(f"is {number}", self._range())
            return ABSENT
        return number

    def _meant(self, value: Any) -> int | None:
        if isinstance(value, float):
            return int(value) if value.is_integer() else None
        return meant_number(value, self.unit) if isinstance(value, str) else None

    def _in_range(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)

    def _range(self) -> str:
        unit = f" of {self.unit}" if self.unit else ""
        if self.least < -_ANY and (self.most or 0) > _ANY:
            return f"write a whole number{unit}"
        if self.most is None:
            return f"write a whole number{unit} from {self.least}"
        return f"write a whole number{unit} from {self.least} to {self.most}"


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    # What comes by `-e name=8443` is a text.
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,30}", value):
        return int(value)
    return None


class Number(Kind):
    def __init__(self, least: float, most: float) -> None:
        self.least = least
        self.most = most
        self.words = "a number"

    def _read(self, place: Place, value: Any) -> Any:
        remedy = f"write a number from {self.least:g} to {self.most:g}"
        number = value
        if isinstance(value, str):
            if re.fullmatch(r"\d+,\d+", value):
                return self._refuse(place, value, f"write {value.replace(',', '.')}")
            share = re.fullmatch(r"([0-9]{1,3})\s*%", value)
            if share and self.least <= int(share[1]) / 100 <= self.most == 1:
                return self._refuse(place, value, f"write {int(share[1]) / 100:g}")
            number = float(value) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) else None
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return self._refuse(place, value, remedy)
        if not self.least <= number <= self.most:
            place.find(f"is {shown(value)}", remedy)
            return ABSENT
        return float(number)


class Flag(Kind):
    """true or false. Whole variables may be texts, as `-e` gives them; keys may not, since a text is always true."""

    words = "true or false"

    def __init__(self, *, text: bool = False) -> None:
        self.text = text

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in _TRUE + _FALSE:
            if self.text or isinstance(value, int):
                return word in _TRUE
            return self._refuse(place, value, f"write {'true' if word in _TRUE else 'false'}, without quotes")
        return self._refuse(place, value, "write true or false")


class Choice(Kind):
    """One of a few words. `also` says what is often written for one of them."""

    def __init__(self, *choices: str, also: Mapping[str, str] | None = None) -> None:
        self.choices = choices
        self.also = also or {}
        self.words = f"one of {', '.join(choices)}"

    def _read(self, place: Place, value: Any) -> Any:
        if isinstance(value, str) and value in self.choices:
            return str(value)
        only = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        word = shown(only) if isinstance(only, bool) else str(only)
        several = only is None or isinstance(only, (Mapping, list, tuple))
        said = "" if several else self.also.get(word.lower()) or nearest(word, self.choices)
        if said and said not in self.choices:
            return self._refuse(place, value, said)
        choices = f"{', '.join(self.choices[:-1])} or {self.choices[-1]}" if len(self.choices) > 1 else self.choices[0]
        return self._refuse(place, value, f"write {said}" if said else f"write {choices}")

    def meant(self, value: Any) -> str:
        word = str(value)
        said = self.also.get(word.lower(), "").replace("write ", "", 1)
        return said if said in self.choices else nearest(word, self.choices)


class Anything(Kind):
    """Whatever an engine's option takes."""

    words = "a value"

    def _read(self, place: Place, value: Any) -> Any:
        if value is None:
            return self._refuse(place, value, "give it a value, or take it away")
        return value


class ListOf(Kind):
    """Several of one kind. `empty` says why an empty list is none; `secret` lists show no value."""

    def __init__(
        self, item: Kind, *, words: str = "", empty: str = "", secret: bool = False, commas: bool = False
    ) -> None:
        self.item = item
        self.words = words or "a list"
        self.empty = empty
        self.secret = secret
        self.commas = commas

    def _read(self, place: Place, value: Any) -> Any:
        if self.commas and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, (list, tuple)):
            place.find(
                f"is {kind_of(value) if self.secret else shown(value)}, and {self.words} is wanted",
                self._instead(value),
            )
            return ABSENT
        if not value and self.empty:
            place.find("is an empty list", self.empty)
            return ABSENT
        read = [self.item.read(place.item(_name_of(item, number)), item) for number, item in enumerate(value)]
        return [item for item in read if item is not ABSENT]

    def _instead(self, value: Any) -> str:
        if value is None and self.empty:
            return self.empty
        if isinstance(value, Mapping) and value and isinstance(self.item, Record):
            first = next((key.name for key in self.item.keys.values() if key.required), "name")
            return f"write each with a dash, '- {first}: …', and its other keys below"
        if not self.secret and isinstance(self.item, Record) and self.item.shortened(value):
            return f"write [{self.item.shortened(value)}]"
        if self.secret or isinstance(self.item, (Record, MapOf)):
            return f"write {self.words}, or take it away"
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in _NONE:
            return "take it away" if self.empty else "write []"
        if isinstance(value, Mapping):
            items = self._items(list(value))
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            items = self._items(value.split(",") if isinstance(value, str) else [value])
        else:
            items = []
        if word in _ALL and (not items or items == [value]):
            return f"name each, or take it away{' for all' if word != '*' else ''}"
        return f"write [{', '.join(map(written, items))}]" if items else f"write {self.words}, or take it away"

    def _items(self, parts: Sequence[Any]) -> list[Any]:
        """What the items should be called, where each of them would be taken; nothing otherwise."""
        trimmed = [part.strip() if isinstance(part, str) else part for part in parts]
        items = [self.item.meant(part) or part for part in trimmed]
        unfit: list[str] = []
        for item in items:
            self.item.read(Place("", unfit), item)
        return items if items and not unfit and all(map(sayable, items)) else []


def _name_of(item: Any, number: int) -> Any:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and re.fullmatch(r"[\w.@-]{1,64}", name) else number


class MapOf(Kind):
    """Names, each with one of a kind."""

    def __init__(self, name: Kind, item: Kind, *, words: str, empty: str = "", secret: bool = False) -> None:
        self.name = name
        self.item = item
        self.words = words
        self.empty = empty
        self.secret = secret

    def _read(self, place: Place, value: Any) -> Any:
        if not isinstance(value, Mapping):
            place.find(
                f"is {kind_of(value) if self.secret else shown(value)}, and {self.words} is wanted",
                self._instead(value),
            )
            return ABSENT
        if not value and self.empty:
            place.find("is an empty dictionary", self.empty)
            return ABSENT
        if value and isinstance(self.item, Record) and all(name in self.item.keys for name in value):
            place.find(f"has {listed(list(value))} where names are wanted", "put them below a name of your choice")
            return ABSENT
        read = {}
        for name, item in value.items():
            known = self.name.read(Place(f"{place.path}: the name {labelled(name)}", place.findings), name)
            found = self.item.read(place.key(name), item)
            if known is not ABSENT:
                # A name stays a name, whatever is wrong with what stands there: others may lead to it.
                read[known] = Typed(broken=True) if found is ABSENT and isinstance(self.item, Record) else found
        wrong = {str(name) for name in value if name not in read}
        return Typed({name: item for name, item in read.items() if item is not ABSENT}, wrong)

    def _instead(self, value: Any) -> str:
        if value is None and self.empty:
            return self.empty
        if not isinstance(self.item, Record):
            return "write each as 'name: value' on a line of its own below it"
        if isinstance(value, (list, tuple)) and value:
            return "write each as 'name:' with its keys below, without a dash"
        return self.empty or f"write {self.words}"


class Key:
    """One key of a record, or one whole variable: its kind, what it means, and what it is without being named.

    That is `value`, wherever it is read; `default` are words for it where it is none that stands by itself.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        means: str,
        *,
        default: str = "",
        value: Any = None,
        required: bool = False,
        also: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.means = means
        self.value = value
        self.default = default or ("" if value is None else shown(value) if isinstance(value, bool) else str(value))
        self.required = required
        self.also = also


class Record(Kind):
    """A dictionary whose keys are known."""

    words = "a dictionary"

    def __init__(self, *keys: Key, words: str = "", null: bool = False, secret: bool = False, short: str = "") -> None:
        self.keys: dict[str, Key] = {key.name: key for key in keys}
        self.words = words or f"a dictionary with {listed(list(self.keys))}"
        self.null = null
        self.secret = secret
        # How it is written by somebody who gave no more than one text.
        self.short = short

    def _read(self, place: Place, value: Any) -> Any:
        if value is None and self.null:
            return Typed()
        if not isinstance(value, Mapping):
            place.find(
                f"is {kind_of(value) if self.secret else shown(value)}, and {self.words} is wanted",
                self._instead(value),
            )
            return ABSENT
        unknown = [name for name in value if name not in self.keys]
        taken = [self._unknown(place, name, value) for name in unknown]
        read = {}
        for name, item in value.items():
            if name in self.keys:
                found = self.keys[name].kind.read(place.key(name), item)
                if found is not ABSENT:
                    read[str(name)] = found
        missing = [
            key for key in self.keys.values() if key.required and key.name not in value and key.name not in taken
        ]
        for key in missing:
            place.find(f"has no {key.name}", f"give it one: {key.means}")
        return Typed(read, {name for name in (*taken, *value) if name in self.keys and name not in read})

    def _unknown(self, place: Place, name: Any, value: Mapping[str, Any]) -> str:
        """The key that was meant. What stands behind an unknown one is not shown: it may be a secret."""
        meant = self._synonym(name) or (nearest_free(name, self.keys, value) if isinstance(name, str) else "")
        place.key(name).find("is no key that is known here", instead_of_unknown(meant, value, self.keys))
        return meant

    def _synonym(self, name: Any) -> str:
        word = str(name).lower().replace("-", "_")
        return next((key.name for key in self.keys.values() if word in key.also), "")

    def _instead(self, value: Any) -> str:
        names = [key.name for key in self.keys.values() if key.required] or list(self.keys)[:2]
        if value is None:
            return f"write its keys below it, such as {', '.join(names)}, or take the name away"
        if self.null and isinstance(value, bool):
            return "write {}" if value else "take it away"
        if self.shortened(value):
            return f"write {self.shortened(value)}"
        return f"write its keys below it, such as {', '.join(names)}"

    def shortened(self, value: Any) -> str:
        """How somebody who gave one value has to write it; empty where nobody knows."""
        only = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        fits = isinstance(only, (str, int)) and not isinstance(only, bool) and sayable(only)
        return self.short.replace("…", str(only)) if self.short and fits and not self.secret else ""


def instead_of_unknown(meant: str, there: Collection[str], known: Collection[str]) -> str:
    if meant in there:
        return f"{meant} is there already, so take this away"
    if meant:
        return f"write {meant}, or take it away"
    return f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}, so take it away"
