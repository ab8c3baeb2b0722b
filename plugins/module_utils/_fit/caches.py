# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may grow: caches of prompts in the host's memory. They are given what the models leave, and never make a model be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST
from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LlamaCpp
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.machine import Ledger
    from ansible_collections.hearth.llm.plugins.module_utils._fit.planner import Planned

_MIB = 1 << 20


def share(planned: Sequence[Planned], ledger: Ledger, seats: int) -> tuple[dict[str, int], str]:
    """Limits in MiB for the models whose caches would not all have room, and a sentence about it; nothing where they have.

    Of models that make room for each other those with the largest caches are counted that may be there at the same time.
    """
    loaded = [one for one in planned if one.verdict != "refused" and isinstance(one.wanted.settings, LlamaCpp)]
    if not loaded:
        return {}, ""
    numbers = [one.wanted.number for one in loaded]
    count = sum(min(seats or len(loaded), numbers.count(number)) for number in set(numbers))
    wishes = {
        one.wanted.name: one.wanted.settings.prompt_cache_bytes
        for one in loaded
        if isinstance(one.wanted.settings, LlamaCpp)
    }
    named = {
        one.wanted.name
        for one in loaded
        if isinstance(one.wanted.settings, LlamaCpp) and one.wanted.settings.cache_is_named
    }
    room = max(0, ledger.room(HOST, lasting=True))
    wished = sum(sorted(wishes.values(), reverse=True)[:count])
    if wished <= room:
        return {}, ""
    fixed = sorted((wishes[name] for name in named), reverse=True)[:count]
    others = count - len(fixed)
    said = f"Caches of prompts may grow to {as_size(wished)} of RAM, and {as_size(room)} are left for them"
    if not others:
        return {}, f"{said}: give cache-ram less in options, or the host more memory"
    each = max(0, room - sum(fixed)) // others // _MIB
    limits = {name: min(each, size // _MIB) for name, size in wishes.items() if name not in named}
    beyond = "; cache-ram in options asks for more than there is" if sum(fixed) > room else ""
    return limits, f"{said}: the engine is told to keep each to {each} MiB{beyond}"
