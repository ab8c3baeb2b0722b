# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans for a Windows PC consist of. PRIVATE to the collection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._windows.facts import Action, Facts, Task

# Everything scheduled is ours by its folder.
FOLDER = "\\hearth.llm\\"
# Somebody may have stopped WSL, which ends what runs: after this time it is begun anew, and nothing is done where it still runs.
_AGAIN = "PT5M"


@dataclass(frozen=True)
class Step:
    """One thing to do: `kind` is the file of tasks that does it, with `settings`, and `words` say it to people."""

    kind: str
    words: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    steps: list[Step] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, words: str, **settings: Any) -> None:
        self.steps.append(Step(kind, words, settings))

    def told(self, **more: Any) -> dict[str, Any]:
        """Plain values. Where something is refused, nothing is done."""
        refusals = list(dict.fromkeys(self.refusals))
        verdict = "refuse" if refusals else "act" if self.steps else "keep"
        steps = [] if refusals else [asdict(step) for step in self.steps]
        # Templates add lists to lists, and nothing else.
        return dict(
            json.loads(
                json.dumps({"verdict": verdict, "steps": steps, "refusals": refusals, "notes": self.notes, **more})
            )
        )


@dataclass(frozen=True)
class Scheduled:
    """A task that runs as the owner of the distribution: WSL refuses the system's own account (WSL_E_LOCAL_SYSTEM_NOT_SUPPORTED).

    With a password it runs when the PC starts. Without one it runs when he logs in: nobody says that wsl.exe works with a token that is made without a
    password (S4U), and the module asks for a password there, too.
    """

    name: str
    action: Action
    has_password: bool
    level: str = "Limited"

    @property
    def trigger(self) -> str:
        return "boot" if self.has_password else "logon"

    @property
    def logon(self) -> str:
        return "Password" if self.has_password else "Interactive"

    @property
    def path(self) -> str:
        """The folder as the module wants it."""
        return FOLDER.rstrip("\\")

    def is_named(self, facts: Facts) -> bool:
        return any(self._has_name_of(task) for task in facts.tasks)

    def _has_name_of(self, task: Task) -> bool:
        """Windows keeps the capitals of the name that a task was made with, and does not tell them apart."""
        return task.name.lower() == self.name.lower()

    def is_there(self, facts: Facts) -> bool:
        return any(self._is(task, facts) for task in facts.tasks)

    def _is(self, task: Task, facts: Facts) -> bool:
        owner = facts.user
        users = {owner.sid.lower(), owner.name.lower(), owner.name.rpartition("\\")[2].lower()}
        return (
            self._has_name_of(task)
            and task.state != "Disabled"
            and task.user.rpartition("\\")[2].lower() in users
            and task.logon.startswith(self.logon)
            and task.level == self.level
            and task.triggers == (self.trigger,)
            and task.actions == (self.action,)
        )

    def settings(self, facts: Facts) -> dict[str, Any]:
        """As the module wants them."""
        whose = {} if self.has_password else {"user_id": facts.user.name}
        return {
            "name": self.name,
            "path": self.path,
            "user": facts.user.name,
            "actions": [asdict(self.action)],
            "triggers": [{"type": self.trigger, **whose, "repetition": {"interval": _AGAIN}}],
            "logon_type": "password" if self.has_password else "interactive_token",
            "run_level": self.level.lower(),
        }

    def words(self, facts: Facts) -> str:
        when = "with the PC" if self.has_password else f"when {facts.user.name} logs in"
        return f"Have the task '{self.name}' start {when}."


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)
