# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where `hearth_models` stands: found by looking where Ansible looks, so that what is edited is what counts."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from ansible.errors import AnsibleError
from ansible.inventory.helpers import sort_groups
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.tools.models.nodes import mapped, names, parsed

VARIABLE = "hearth_models"
_VAULT = b"$ANSIBLE_VAULT"
_INI = re.compile(rf"^\s*{VARIABLE}\s*=|\s{VARIABLE}=", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """One mapping of models, and the hosts for which it counts."""

    file: Path
    # The keys that lead to it within the file.
    path: tuple[str, ...]
    # Of the group or host that has it.
    owner: str
    line: int = 0
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def whom(self) -> str:
        return "every host" if self.owner == "all" else self.owner

    @property
    def words(self) -> str:
        return f"{shown(self.file)}, line {self.line}, for {self.whom}"


@dataclass(frozen=True)
class Found:
    places: tuple[Place, ...]
    # Files that could not be looked into, each with why.
    closed: tuple[str, ...]


def shown(file: Path) -> str:
    """A path as it was most likely typed."""
    with contextlib.suppress(ValueError):
        return str(file.relative_to(Path.cwd()))
    return str(file)


def look(sources: Sequence[str]) -> Found:
    """Every place of the inventory in which hearth_models stands."""
    loader = DataLoader()
    try:
        inventory = InventoryManager(loader=loader, sources=list(sources))
    except AnsibleError as error:
        raise InputError(f"The inventory {', '.join(sources)} cannot be read: {error.message.rstrip('.')}.") from error
    closed: list[str] = []
    # In the order in which Ansible lays one over the other: (rank, source, group) and the place.
    ordered: list[tuple[tuple[int, ...], Place]] = []
    groups = sort_groups(list(inventory.groups.values()))
    for number, source in enumerate(map(Path, sources)):
        for place in _of_inventory_files(source, closed):
            order = [group.name for group in groups].index(place.owner) if place.owner in inventory.groups else -1
            ordered.append(((0 if order >= 0 else 3, number, order), place))
        directory = source if source.is_dir() else source.parent
        for order, group in enumerate(groups):
            for place in _of_variables(loader, directory / "group_vars", group.name, closed):
                ordered.append(((1 if group.name == "all" else 2, number, order), place))
        for host in inventory.hosts:
            for place in _of_variables(loader, directory / "host_vars", host, closed):
                ordered.append(((4, number, 0), place))
    ordered.sort(key=lambda pair: pair[0])
    hosts: dict[int, list[str]] = {}
    for name, host in inventory.hosts.items():
        owners = {name, *(group.name for group in host.get_groups())}
        # A host and a group may have one name, so the rank says which is meant.
        mine = [
            index
            for index, (key, place) in enumerate(ordered)
            if place.owner in owners and (place.owner == name or key[0] < 3)
        ]
        if mine:
            hosts.setdefault(mine[-1], []).append(name)
    places = [replace(place, hosts=tuple(hosts.get(index, ()))) for index, (_key, place) in enumerate(ordered)]
    return Found(tuple(places), tuple(dict.fromkeys(closed)))


def choose(found: Found, sources: Sequence[str], *, file: str = "", owner: str = "", name: str = "") -> Place:
    """The one place that is meant: of the file, of the host or group, with the model `name` where one is given."""
    places = [place for place in found.places if not file or place.file.resolve() == Path(file).resolve()]
    places = [place for place in places if not owner or place.owner == owner]
    if not places:
        raise InputError(_nowhere(found, sources, file, owner))
    if name:
        places = [place for place in places if name in place.names]
        if not places:
            raise InputError(_not_described(found, name))
    # One that counts for nobody is not meant, unless it was named.
    used = [place for place in places if place.hosts]
    if len(used or places) > 1:
        where = "; ".join(place.words for place in used or places)
        raise InputError(
            f"{VARIABLE} stands in several places ({where}): say by --host or --file which of them is meant."
        )
    return (used or places)[0]


def read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{shown(file)} cannot be read ({error.strerror}): let this user read it.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(file)} is no text in UTF-8: save it as UTF-8.") from error


def write(file: Path, before: str, after: str) -> None:
    """The new text in one step, with the mode of the old one; nothing where somebody has changed the file meanwhile."""
    # Through a link, so that it stays one.
    real = file.resolve()
    if read(file) != before:
        raise InputError(
            f"{shown(file)} was changed by somebody else meanwhile. Nothing was written: run the command again."
        )
    aside = ""
    try:
        status = real.stat()
        with tempfile.NamedTemporaryFile("wb", dir=real.parent, prefix=f".{real.name}.", delete=False) as new:
            aside = new.name
            new.write(after.encode())
            os.fchmod(new.fileno(), status.st_mode & 0o7777)
            with contextlib.suppress(PermissionError):
                os.fchown(new.fileno(), status.st_uid, status.st_gid)
            new.flush()
            os.fsync(new.fileno())
        Path(aside).replace(real)
    except OSError as error:
        if aside:
            Path(aside).unlink(missing_ok=True)
        raise InputError(
            f"{shown(file)} cannot be written ({error.strerror}): let this user write it and its directory."
        ) from error


def _of_variables(loader: DataLoader, directory: Path, owner: str, closed: list[str]) -> Iterator[Place]:
    """Files of variables of a host or group, as Ansible finds them: a file of its name, or all below a directory of it."""
    if not directory.is_dir() or "/" in owner:
        return
    for found in loader.find_vars_files(str(directory), owner):
        file = Path(os.fsdecode(found))
        root = _opened(file, closed)
        if root is not None:
            yield from _placed(file, root, (VARIABLE,), owner)


def _of_inventory_files(source: Path, closed: list[str]) -> Iterator[Place]:
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    for file in files:
        if not file.is_file() or file.name.startswith("."):
            continue
        if file.suffix in (".yml", ".yaml", ".json"):
            root = _opened(file, closed)
            if isinstance(root, yaml.MappingNode):
                for key, value in root.value:
                    yield from _of_group(file, root, (str(key.value),), value)
        elif file.suffix in ("", ".ini", ".cfg") and not os.access(file, os.X_OK):
            with contextlib.suppress(InputError):
                if _INI.search(read(file)):
                    closed.append(f"{shown(file)} has {VARIABLE} in one line of an INI file, which is not edited here")


def _of_group(file: Path, root: yaml.Node, path: tuple[str, ...], node: yaml.Node) -> Iterator[Place]:
    yield from _placed(file, root, (*path, "vars", VARIABLE), path[-1])
    for kind in ("hosts", "children"):
        for key, value in _pairs(_get(node, kind)):
            below = (*path, kind, str(key.value))
            if kind == "hosts":
                yield from _placed(file, root, (*below, VARIABLE), below[-1])
            else:
                yield from _of_group(file, root, below, value)


def _placed(file: Path, root: yaml.Node, path: tuple[str, ...], owner: str) -> Iterator[Place]:
    try:
        found = mapped(root, path)
    except InputError as error:
        raise InputError(f"{shown(file)}: {error.message}.") from error
    if found:
        yield Place(file, path, owner, found.line, tuple(names(found)))


def _opened(file: Path, closed: list[str]) -> yaml.Node | None:
    try:
        if file.read_bytes().startswith(_VAULT):
            closed.append(f"{shown(file)} is encrypted by Ansible Vault")
            return None
        return parsed(read(file))
    except OSError as error:
        closed.append(f"{shown(file)} cannot be read ({error.strerror})")
    except InputError as error:
        closed.append(f"{shown(file)}: {error.message}" if shown(file) not in error.message else error.message)
    return None


def _get(node: yaml.Node, name: str) -> yaml.Node | None:
    return next((value for key, value in _pairs(node) if key.value == name), None)


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _nowhere(found: Found, sources: Sequence[str], file: str, owner: str) -> str:
    there = "; ".join(place.words for place in found.places)
    if there:
        meant = f"in {file}" if file else f"for {owner}" if owner else ""
        return f"{VARIABLE} does not stand {meant}, but in {there}: name one of these by --file or --host."
    closed = f" ({'; '.join(found.closed)})" if found.closed else ""
    return (
        f"{VARIABLE} stands in no file of {', '.join(sources)} that can be edited{closed}: write the line `{VARIABLE}: {{}}` into a plain file of its "
        "variables, such as group_vars/all.yml."
    )


def _not_described(found: Found, name: str) -> str:
    there = sorted({other for place in found.places for other in place.names})
    known = f"described are {', '.join(there)}" if there else "no model is described"
    return f"{name} is not described: {known}."
