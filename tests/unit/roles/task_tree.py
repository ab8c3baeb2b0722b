# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every task that site.yml may come to, with the tags that it has and those that lead to it, as Ansible passes them on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.hearth.llm.plugins.lookup.room_tags import PHASES
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

PROJECT = Path(__file__).parents[3]
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())
# Other roles have their packages and services from these, and their own tags there.
INTERNAL = {"packages", "service"}
# Tags of playbooks, for more than one role.
COMMON = {"engines", "frontends", "verify", "summary"}
EVERY = frozenset({*ROLES, *COMMON, *(f"{role}_{phase}" for role in ROLES for phase in PHASES)})
BUILTIN = "ansible.builtin."
IMPORT = f"{BUILTIN}import_tasks"
# Stands for the role of each turn of a loop.
LOOPED = "*"


@dataclass(frozen=True)
class Visit:
    """A task on one of the ways to it."""

    # For a task of an internal role the role that uses it.
    role: str
    file: Path
    name: str
    tags: frozenset[str]
    # Those by which ansible-playbook comes to it: what includes it has to have them, too.
    reached_by: frozenset[str]


@dataclass(frozen=True)
class _Way:
    file: Path
    tags: frozenset[str] = frozenset()
    reached_by: frozenset[str] = EVERY
    role: str = ""
    role_path: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)


def plays_of(playbook: str) -> Iterator[dict[str, Any]]:
    """The plays of a playbook, with those that it imports."""
    for play in yaml.safe_load((PROJECT / f"playbooks/{playbook}.yml").read_text()):
        imported = play.get(f"{BUILTIN}import_playbook")
        if imported:
            yield from plays_of(Path(imported).stem)
        else:
            yield play


def tasks_of(play: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*play.get("pre_tasks", []), *play.get("tasks", [])]


def visits(playbook: str = "site") -> list[Visit]:
    found = []
    for play in plays_of(playbook):
        start = _Way(PROJECT / "playbooks", frozenset(play.get("tags", [])), variables=play.get("vars", {}))
        found += [visit for task in tasks_of(play) for visit in _visit(task, start)]
        # A role that is listed is there with all its tasks from the beginning.
        for entry in play.get("roles", []):
            found += _role(entry["role"].removeprefix("hearth.llm."), "main", start)
    return found


def role_tasks(role: str) -> dict[tuple[Path, str], set[str]]:
    """Every task that is written in the role's files, imports included, with the tags that are written at it and at the blocks around it."""
    written: dict[tuple[Path, str], set[str]] = {}

    def collect(file: Path, tasks: list[dict[str, Any]], tags: set[str]) -> None:
        for task in tasks:
            own = tags | set(task.get("tags", []))
            inner = _inner(task)
            if inner:
                collect(file, inner, own)
            else:
                name = "" if IMPORT in task else task["name"]
                written[file, name] = written.get((file, name), set()) | own

    for file in sorted((PROJECT / f"roles/{role}/tasks").rglob("*.yml")):
        collect(file, yaml.safe_load(file.read_text()), set())
    return written


def _inner(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for part in ("block", "rescue", "always") for each in task.get(part, [])]


def _visit(task: Mapping[str, Any], way: _Way) -> Iterator[Visit]:
    tags = way.tags | _tags(task, way.variables)
    if _inner(task):
        for each in _inner(task):
            yield from _visit(each, _with(way, tags=tags))
        return
    reached_by = (EVERY if "always" in tags else tags) & way.reached_by
    # Of an import nothing is left when the play runs.
    if IMPORT not in task:
        yield Visit(way.role, way.file, task.get("name", ""), tags, reached_by)
    for verb in ("include_tasks", "import_tasks", "include_role"):
        given = task.get(BUILTIN + verb)
        if given is None:
            continue
        if verb == "import_tasks":
            # What is imported is there from the beginning, with the tags of what imports it.
            onward = _with(way, tags=tags)
        else:
            # What is included has of its include only what stands at `apply`.
            applied = [re.sub(r"\{\{.*?\}\}", LOOPED, tag) for tag in _applied(given)]
            onward = _with(way, tags=way.tags | set(applied), reached_by=reached_by)
        if verb == "include_role":
            for role in _roles(given["name"], task):
                for entry in re.findall(r"'(\w+)'", given.get("tasks_from", "'main'")) or [given["tasks_from"]]:
                    yield from _role(
                        role, entry, _with(onward, tags=frozenset(tag.replace(LOOPED, role) for tag in onward.tags))
                    )
        else:
            for file in _files(given["file"] if isinstance(given, dict) else given, way):
                yield from _file(file, onward)


def _applied(given: Any) -> list[str]:
    return list(given.get("apply", {}).get("tags", [])) if isinstance(given, dict) else []


def _tags(task: Mapping[str, Any], variables: Mapping[str, Any]) -> frozenset[str]:
    given = task.get("tags", [])
    trusted = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()}
    templar = Templar(DataLoader(), trusted)
    found: set[str] = set()
    for tag in given:
        said = templar.template(trust_as_template(tag))
        found |= {said} if isinstance(said, str) else set(said)
    return frozenset(found)


def _roles(name: str, task: Mapping[str, Any]) -> list[str]:
    if "{{" not in name:
        return [name.removeprefix("hearth.llm.")]
    return list(frontends() if "frontends" in task["loop"] else engines())


def _files(name: str, way: _Way) -> list[Path]:
    tasks = PROJECT / f"roles/{way.role_path}/tasks"
    pattern = re.sub(r"\{\{.*?\}\}", "*", name)
    found = sorted(way.file.parent.glob(pattern)) or sorted(tasks.glob(pattern))
    if "*" in pattern:
        # Where the name is only known at run time, those that are no entry point and that nothing else names.
        entries = yaml.safe_load((tasks.parent / "meta/argument_specs.yml").read_text())["argument_specs"]
        written = "".join(file.read_text() for file in tasks.rglob("*.yml"))
        names = {file: str(file.relative_to(tasks)) for file in found}
        found = [file for file in found if file.stem not in entries or "/" in names[file]]
        found = [file for file in found if f" {names[file]}\n" not in written]
    assert found, f"{way.file} includes {name}, which is not there"
    return found


def _role(role: str, entry: str, way: _Way) -> Iterator[Visit]:
    file = PROJECT / f"roles/{role}/tasks/{entry}.yml"
    yield from _file(file, _with(way, role=way.role if role in INTERNAL else role, role_path=role, variables={}))


def _file(file: Path, way: _Way) -> Iterator[Visit]:
    for task in yaml.safe_load(file.read_text()):
        yield from _visit(task, _with(way, file=file))


def _with(way: _Way, **changes: Any) -> _Way:
    return _Way(**{**vars(way), **changes})
