# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A YAML text as nodes with their places, and what it says, to compare it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

Path = tuple[str, ...]
Pair = tuple[yaml.Node, yaml.Node]
# The one that Ansible reads with, which takes tabs where the other one does not.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Mapped:
    """A mapping within a text: the key that names it, and what stands behind that."""

    key: yaml.Node
    value: yaml.Node
    # Whether it stands within brackets, where lines and indentation mean nothing.
    within_flow: bool

    @property
    def line(self) -> int:
        return int(self.key.start_mark.line) + 1


def parsed(text: str) -> yaml.Node | None:
    """The text as nodes with their places."""
    try:
        return yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"it is no YAML that can be read ({' '.join(str(error).split())})") from error


def mapped(root: yaml.Node | None, path: Path) -> Mapped | None:
    """What stands at a path of keys, where it stands once."""
    found = None
    node, within = root, False
    for part in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        within = within or bool(node.flow_style)
        named = [pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == part]
        if len(named) > 1:
            lines = " and ".join(str(key.start_mark.line + 1) for key, _value in named)
            raise InputError(f"{part} stands there twice, in lines {lines}: keep one")
        if not named:
            return None
        key, node = named[0]
        found = Mapped(key, node, within)
    return found


def names(found: Mapped) -> list[str]:
    """The keys of the mapping, those that are merged into it from elsewhere included."""
    if not isinstance(found.value, yaml.MappingNode):
        return []
    return [str(key.value) for key, _value in _pairs(found.value)]


def entries(found: Mapped) -> list[Pair]:
    return list(found.value.value) if isinstance(found.value, yaml.MappingNode) else []


def in_brackets(node: yaml.Node) -> bool:
    """Written as JSON writes it."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def uses(root: yaml.Node | None, wanted: yaml.Node) -> int:
    count, seen, waiting = 0, set(), [root]
    while waiting:
        node = waiting.pop()
        count += node is wanted
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
    return count


def _pairs(node: yaml.MappingNode) -> Iterator[Pair]:
    for key, value in node.value:
        if key.tag != _MERGE:
            yield key, value
        for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if key.tag == _MERGE and isinstance(merged, yaml.MappingNode):
                yield from _pairs(merged)


def read(text: str) -> Any:
    """What a text says, to compare it by; None where it cannot be read."""
    try:
        return plain(parsed(text))
    except InputError:
        return None


def plain(node: yaml.Node | None, above: tuple[int, ...] = ()) -> Any:
    """Tags and values alone, with what anchors stand for in their places."""
    if node is None:
        return None
    if id(node) in above:
        raise InputError("it holds itself, by an anchor")
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        return node.tag, [(plain(key, above), plain(value, above)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return node.tag, [plain(part, above) for part in node.value]
    return node.tag, node.value


def at(said: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """The same with what stands at the path changed."""
    if not path:
        return change(said)
    tag, pairs = said
    return tag, [(key, at(value, path[1:], change) if key[1] == path[0] else value) for key, value in pairs]


def without(said: Any, path: Path, name: str) -> Any:
    return emptied(at(said, path, lambda value: (value[0], [pair for pair in value[1] if pair[0][1] != name])), path)


def emptied(said: Any, path: Path) -> Any:
    """An empty mapping is as good as nothing."""
    return at(said, path, lambda value: (NULL, "") if value[0] == NULL or not value[1] else value)
