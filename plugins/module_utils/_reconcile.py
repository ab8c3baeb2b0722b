# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there, what should be there, and what has to be done about it: decided once, for check mode, diff and action alike.

A `Kind` knows how one kind of thing is read, made, changed and removed on its server; everything else is here. Things are found by a key of
the user's (a name), their states are flat dictionaries in the module's own vocabulary, and a field that the user does not name is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict

from ansible_collections.hearth.llm.plugins.module_utils._errors import ProtocolError

if TYPE_CHECKING:
    from typing import AbstractSet, Container, Mapping, Sequence

State = Dict[str, Any]

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it should be. Without `before` it is made, without `after` it is removed."""

    key: str
    before: State | None
    after: State | None
    # The fields to send, and no others.
    fields: State = field(default_factory=dict)

    @property
    def verb(self) -> str:
        if self.before is None:
            return "created"
        return "deleted" if self.after is None else "updated"


@dataclass(frozen=True)
class Plan:
    """Everything that has to be done, and how things would stand then."""

    changes: Sequence[Change]
    before: Mapping[str, State]
    after: Mapping[str, State]


class Kind:
    """One kind of thing on a server. Subclasses say how it is read and written."""

    # What it is called in messages.
    label = "thing"
    # Fields that are never shown.
    secret: AbstractSet[str] = frozenset()
    # Fields that the server does not tell: sent with a new thing and, where `resend` says so, each time.
    write_only: AbstractSet[str] = frozenset()
    resend = False

    def read(self) -> Mapping[str, State]:
        """What is there, by key."""
        raise NotImplementedError

    def create(self, key: str, wanted: State) -> State:
        """Makes it, and returns it as the server has it now."""
        raise NotImplementedError

    def update(self, key: str, before: State, fields: State) -> State:
        """Changes these fields, and returns it as the server has it now."""
        raise NotImplementedError

    def delete(self, key: str, before: State) -> None:
        raise NotImplementedError

    def check(self, plan: Plan) -> None:
        """Refuses, by InputError and before anything is done, what must not be done; in check mode, too."""


@dataclass(frozen=True)
class Outcome:
    """What a module returns. `states` is how everything stands now or, in check mode, would stand."""

    plan: Plan
    states: Mapping[str, State]
    hidden: AbstractSet[str]

    @property
    def changed(self) -> bool:
        return bool(self.plan.changes)

    def keys(self, verb: str) -> list[str]:
        return [change.key for change in self.plan.changes if change.verb == verb]

    def result(self) -> dict[str, Any]:
        """`changed`, the keys of what was created, updated and deleted, and the diff of nothing but that."""
        return {
            "changed": self.changed,
            **{verb: self.keys(verb) for verb in ("created", "updated", "deleted")},
            "diff": {
                side: {
                    change.key: _shown(getattr(change, side), self.hidden, change.fields if side == "after" else ())
                    for change in self.plan.changes
                    if getattr(change, side) is not None
                }
                for side in ("before", "after")
            },
        }


def reconcile(
    kind: Kind,
    wanted: Mapping[str, State | None],
    *,
    check_mode: bool,
    exclusive: bool = False,
    keep: AbstractSet[str] = frozenset(),
) -> Outcome:
    """Makes the server have what is wanted; None asks that a thing be absent. `exclusive` removes what is not named, except `keep`."""
    plan = make_plan(kind, kind.read(), wanted, exclusive=exclusive, keep=keep)
    kind.check(plan)
    states = dict(plan.after)
    if not check_mode:
        for change in plan.changes:
            now = _apply(kind, change)
            if now is not None:
                states[change.key] = now
    return Outcome(plan, states, kind.secret | kind.write_only)


def make_plan(
    kind: Kind,
    there: Mapping[str, State],
    wanted: Mapping[str, State | None],
    *,
    exclusive: bool = False,
    keep: AbstractSet[str] = frozenset(),
) -> Plan:
    """Compares, and does nothing else. What is made comes first, what is removed last: nobody is without in between."""
    changes = [_compare(kind, key, there.get(key), state) for key, state in wanted.items()]
    if exclusive:
        changes += [Change(key, state, None) for key, state in there.items() if key not in wanted and key not in keep]
    real = sorted((change for change in changes if change is not None), key=lambda change: change.after is None)
    after = dict(there)
    for change in real:
        if change.after is None:
            del after[change.key]
        else:
            after[change.key] = change.after
    return Plan(real, there, after)


def _compare(kind: Kind, key: str, there: State | None, wanted: State | None) -> Change | None:
    if wanted is None:
        return Change(key, there, None) if there is not None else None
    named = {name: value for name, value in wanted.items() if value is not None}
    if there is None:
        return Change(key, None, named, named)
    fields = {
        name: value
        for name, value in named.items()
        if (kind.resend if name in kind.write_only else there.get(name) != value)
    }
    return Change(key, there, {**there, **fields}, fields) if fields else None


def _apply(kind: Kind, change: Change) -> State | None:
    if change.after is None:
        kind.delete(change.key, change.before or {})
        return None
    if change.before is None:
        now = kind.create(change.key, change.fields)
    else:
        now = kind.update(change.key, change.before, change.fields)
    for name, value in change.fields.items():
        if name not in kind.write_only and now.get(name) != value:
            told = "another value" if name in kind.secret else repr(now.get(name))
            asked = "what was sent" if name in kind.secret else repr(value)
            raise ProtocolError(
                f"{kind.label} {change.key}: the server accepted {name} and keeps {told} instead of {asked}. "
                "Give a value that it keeps as it is; this version of the server may not know that field or value."
            )
    return now


def _shown(state: State, hidden: AbstractSet[str], sent: Container[str]) -> State:
    """Without its secrets. One that is sent looks another way than one that stays, or its change would not be seen."""
    return {
        name: value if name not in hidden or value is None else f"{HIDDEN}, sent" if name in sent else HIDDEN
        for name, value in state.items()
    }
