# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exclusive list would remove only by not naming it. Who names a thing and wants it absent has said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Collection

from ansible_collections.hearth.llm.plugins.module_utils._removals import refuse_beyond

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Plan


@dataclass(frozen=True)
class Unlisted:
    """`listed` are the keys that the task names, `percent_max` is how much of what there is may go without being named."""

    listed: Collection[str] = ()
    percent_max: int = 100

    def refuse(self, what: str, plan: Plan, accepted_by: str, *, besides: Collection[str] = ()) -> None:
        """InputError where too much would go. `besides` stays in any case, and counts for nothing."""
        refuse_beyond(
            what,
            [change.key for change in plan.changes if change.after is None and change.key not in self.listed],
            len((set(plan.before) | set(plan.after)) - set(besides)),
            self.percent_max,
            remedy(accepted_by),
            stays=len((set(plan.before) & set(plan.after)) - set(besides)),
        )


def remedy(accepted_by: str) -> str:
    return f"set removal_percent_max to 100 (with the roles: hearth_accept_removals: {accepted_by})"
