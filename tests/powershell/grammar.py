# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script for Windows says, read by a grammar of PowerShell, for nothing here can run it.

The grammar reads what PowerShell reads, with exceptions that are all on the safe side: it flags types within types (`[Func[string[]]]`), labels, and
a function whose `param` block shares a line with what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).parents[2]
LANGUAGE = Language(tree_sitter_pwsh.language())


def scripts() -> list[Path]:
    """Every script of the collection, which are those that reach a Windows."""
    return sorted(path for place in ("roles", "plugins") for path in (ROOT / place).rglob("*.ps1"))


@dataclass(frozen=True)
class Parameter:
    """One of a script's own."""

    name: str
    type: str
    mandatory: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A call: of a cmdlet or a function by its name, or of a program by `&`."""

    name: str
    node: Node
    called: bool

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1

    @property
    def parameters(self) -> list[str]:
        return [text(node) for node in walk(self.node) if node.type == "command_parameter"]


class Script:
    def __init__(self, code: str) -> None:
        self.code = code
        self.root = Parser(LANGUAGE).parse(code.encode()).root_node

    @classmethod
    def of(cls, path: Path) -> Script:
        return cls(path.read_text(encoding="utf-8"))

    @cached_property
    def errors(self) -> list[str]:
        """Each place that the grammar does not take, outermost first."""
        found = (node for node in walk(self.root) if node.is_error or node.is_missing)
        return [f"line {node.start_point.row + 1}: {text(node)[:60]!r}" for node in found]

    @cached_property
    def commands(self) -> list[Command]:
        return [_command(node) for node in walk(self.root) if node.type == "command"]

    @cached_property
    def functions(self) -> set[str]:
        return {text(node) for node in walk(self.root) if node.type == "function_name"}

    @cached_property
    def cmdlets(self) -> set[str]:
        """What it calls that it does not bring itself, without its programs."""
        return {command.name for command in self.commands if not command.called} - self.functions

    @cached_property
    def programs(self) -> set[str]:
        """A program is called by a path, which is put together before: its name stands somewhere in the code, or the plan says where it is."""
        spoken = [
            text(node).strip("'\"").rpartition("\\")[2]
            for node in walk(self.root)
            if node.type in ("string_literal", "command_name", "generic_token")
        ]
        handed = {"wsl.exe" for command in self.commands if command.name == "$wish.program"}
        return handed | {word for word in spoken if word.endswith(".exe")}

    @cached_property
    def statements(self) -> list[Node]:
        """The outermost ones."""
        return [
            node
            for part in self.root.children
            for node in (part.named_children if part.type == "statement_list" else [part])
            if node.type not in ("comment", "param_block", "requires_directive_list")
        ]

    @cached_property
    def asks_before_it_changes(self) -> bool:
        return any(
            "SupportsShouldProcess" in text(node)
            for part in self._own_block
            for node in walk(part)
            if node.type == "attribute"
        )

    @cached_property
    def parameters(self) -> list[Parameter]:
        return [_parameter(node) for part in self._own_block for node in walk(part) if node.type == "script_parameter"]

    @property
    def _own_block(self) -> list[Node]:
        """The script's param block, not one of its functions'."""
        return [node for node in self.root.children if node.type == "param_block"]


def text(node: Node) -> str:
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def around(node: Node) -> Iterator[Node]:
    """All that a piece stands in, from the inside out."""
    while node.parent:
        node = node.parent
        yield node


def _command(node: Node) -> Command:
    called = any(child.type == "command_invocation_operator" for child in node.children)
    name = next(child for child in node.children if child.type in ("command_name", "command_name_expr"))
    return Command(text(name), node, called)


def _parameter(node: Node) -> Parameter:
    name = next(text(child) for child in node.children if child.type == "variable").removeprefix("$")
    attributes = [text(child) for child in walk(node) if child.type == "attribute"]
    choices = next((attribute for attribute in attributes if attribute.startswith("[ValidateSet(")), "")
    types = [one for one in attributes if re.fullmatch(r"\[[\w.]+(\[\])?\]", one)]
    return Parameter(
        name=name,
        type=types[-1].strip("[]").lower() if types else "object",
        mandatory=any(re.search(r"\bMandatory\b(?!\s*=\s*\$false)", attribute) for attribute in attributes),
        choices=tuple(re.findall(r"'([^']*)'", choices)),
    )
