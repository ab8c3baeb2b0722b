# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses to take away more than was meant: an empty directory, a misspelled variable or a wrong branch looks like "remove all".

What a description does not name any more may go, up to a share of what there is. Beyond that the run stops before anything was changed, says what
would go, and names what has to be set to go on.
"""

from __future__ import annotations

from typing import Collection

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

# More than half of what there is: hardly a correction any more.
DEFAULT_PERCENT = 50
_SHOWN = 10


def refuse_beyond(
    what: str, going: Collection[str], total: int, percent_max: int, remedy: str, *, stays: int | None = None
) -> None:
    """Raises where more than `percent_max` of `total` would go, or all of it. One of two or more may always go: that is how small places change.

    `total` counts what is there and what the same run brings: who replaces the only model does not remove everything. `stays` counts what is there and
    is wanted still: where several go and nothing stays, that is another description, as of a wrong branch, and no correction of this one. `what` names
    the things in the plural ("models", "documents of the assistant DocExplorer"), `remedy` says in one clause what to set.
    """
    rest = total - len(going)
    nothing_stays = not rest or (stays == 0 and len(going) > 1)
    if not going or percent_max >= 100:
        return
    if not nothing_stays and (len(going) == 1 or len(going) * 100 <= percent_max * total):
        return
    names = sorted(going)
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    share = "all" if nothing_stays else f"{len(going)} of {total}"
    raise InputError(
        f"This would remove {share} {what}: {shown}. Nothing was changed. Correct the description if that is not meant; if it is, {remedy}.",
        removals=names,
    )
