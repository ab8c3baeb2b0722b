# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which documents each workspace should know, what is there, and what has to be done about it: found out first, then done."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import Identity
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._anythingllm.library import Row

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")


@dataclass
class Target:
    """One workspace: what it should know, and what it knows."""

    name: str
    slug: str | None
    wanted: dict[Identity, bool | None] = field(default_factory=dict)
    # Whether all of ours that is not wanted goes, or only what another content replaces.
    exclusive: bool = False
    # Whether the task says that it shall know nothing of ours.
    forgets: bool = False
    rows: Sequence[Row] = ()
    # Places whose file nothing can be read from now: what is there of it stays.
    held: set[str] = field(default_factory=set)

    def add(self, identities: Iterable[Identity], pinned: bool | None) -> None:
        named = {identity.place: identity for identity in self.wanted}
        for identity in identities:
            other = named.get(identity.place, identity)
            if other != identity:
                raise InputError(
                    f"workspaces, {self.name}: two contents are called {identity.path} in the folder {identity.folder}. Give one of the "
                    "sets another folder."
                )
            self.wanted[identity] = pinned

    def adds(self) -> list[Identity]:
        known = {row.identity for row in self.rows}
        return [identity for identity in self.wanted if identity not in known]

    def surplus(self) -> list[Row]:
        """Ours, and replaced, not wanted any more, or there twice."""
        places = {identity.place for identity in self.wanted}
        seen = set()
        found = []
        for row in self.rows:
            if row.identity is None or row.identity.place in self.held:
                continue
            if row.identity in self.wanted:
                if row.identity in seen:
                    found.append(row)
                seen.add(row.identity)
            elif self.exclusive or row.identity.place in places:
                found.append(row)
        return found

    def without(self, identities: Iterable[Identity]) -> None:
        """These turned out to be unreadable: they are not wanted now, and what is there of them stays."""
        for identity in identities:
            if identity in self.wanted:
                del self.wanted[identity]
                self.held.add(identity.place)

    def check_removals(self, percent_max: int) -> None:
        """Refuses to forget more of what an assistant knows than was meant."""
        if not self.exclusive or self.forgets:
            return
        there = {row.identity.place for row in self.rows if row.identity}
        wanted = {identity.place for identity in self.wanted} | self.held
        refuse_beyond(
            f"documents of {self.name}",
            there - wanted,
            len(there | wanted),
            percent_max,
            "set removal_percent_max to 100",
            stays=len(there & wanted),
        )

    def pins(self) -> list[Identity]:
        """Whose pin has to be set or taken away."""
        pinned = {row.identity: row.pinned for row in self.rows}
        return [
            identity
            for identity, wanted in self.wanted.items()
            if wanted is not None and pinned.get(identity, False) != wanted
        ]

    def states(self) -> tuple[dict[str, str], dict[str, str]]:
        """Nothing but what changes, before and after: for the diff."""
        before, after = {}, {}
        for row in self.surplus():
            if row.identity:
                before[row.identity.place] = _shown(row.identity, row.pinned)
                if row.identity in self.wanted:
                    # There twice: what stays is one.
                    before[row.identity.place] += ", twice"
                    after[row.identity.place] = _shown(row.identity, row.pinned)
        for identity in self.adds():
            after[identity.place] = _shown(identity, bool(self.wanted[identity]))
        for identity in self.pins():
            if identity.place not in after:
                before[identity.place] = _shown(identity, not self.wanted[identity])
                after[identity.place] = _shown(identity, bool(self.wanted[identity]))
        return before, after


def _shown(identity: Identity, pinned: bool) -> str:
    return f"sha256:{identity.sha256[:12]}{', ' if identity.how else ''}{identity.how}{', pinned' if pinned else ''}"


def check_folder(folder: str) -> None:
    if not _FOLDER.fullmatch(folder):
        raise InputError(
            f"workspaces: {folder!r} is no name for a folder. Give letters, digits, '.', '_', '-' and spaces."
        )


def unneeded(
    targets: Sequence[Target],
    library: Mapping[str, Identity],
    pruned: Iterable[str],
    elsewhere: Iterable[str] = (),
) -> list[str]:
    """Documents of ours in the library that no workspace will know any more, and that another content replaces, or nobody wants."""
    kept: dict[Identity, str] = {}
    in_use = set(elsewhere)
    for target in targets:
        gone = [row.docpath for row in target.surplus()]
        for row in target.rows:
            if row.docpath in gone:
                gone.remove(row.docpath)
                continue
            in_use.add(row.docpath)
            if row.identity in target.wanted:
                kept.setdefault(row.identity, row.docpath)
    wanted = {identity for target in targets for identity in target.wanted}
    places = {identity.place for identity in wanted}
    folders = {identity.folder for target in targets if target.exclusive for identity in target.wanted} | set(pruned)
    held = {place for target in targets for place in target.held}
    found = {row.docpath for target in targets for row in target.surplus()}
    for docpath, identity in library.items():
        if identity in wanted:
            # Sent twice, after a run that was cut off: the first stays.
            if kept.setdefault(identity, docpath) != docpath:
                found.add(docpath)
        elif identity.place not in held and (identity.place in places or identity.folder in folders):
            found.add(docpath)
    return sorted(found - in_use)


def located(targets: Sequence[Target], library: Mapping[str, Identity]) -> dict[Identity, str]:
    """Where in the library each of our documents lies; of several copies, the one that is embedded."""
    embedded = [row.docpath for target in targets for row in target.rows if row.docpath in library]
    found: dict[Identity, str] = {}
    for docpath in (*embedded, *library):
        found.setdefault(library[docpath], docpath)
    return found


def summary(targets: Sequence[Target], removed: Sequence[str]) -> dict[str, Any]:
    """What a module returns of it."""
    diff: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    lists: dict[str, list[str]] = {"created": [], "updated": [], "deleted": []}
    for target in targets:
        before, after = target.states()
        for side, states in (("before", before), ("after", after)):
            if before or after:
                diff[side][target.name] = states
        lists["created"] += [f"{target.name}: {place}" for place in after if place not in before]
        lists["updated"] += [f"{target.name}: {place}" for place in after if place in before]
        lists["deleted"] += [f"{target.name}: {place}" for place in before if place not in after]
    if removed:
        diff["before"]["library"] = list(removed)
    lists = {verb: sorted(names) for verb, names in lists.items()}
    return {"changed": bool(any(lists.values()) or removed), **lists, "diff": diff}
