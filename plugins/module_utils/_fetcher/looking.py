# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a model lies on the disk."""

from __future__ import annotations

import os
from typing import Callable, Iterable

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.hub import DEFAULT_ENDPOINT, Hub
from ansible_collections.hearth.llm.plugins.module_utils._fetch.plan import Plan, Planner
from ansible_collections.hearth.llm.plugins.module_utils._fetch.resolve import Resolver
from ansible_collections.hearth.llm.plugins.module_utils._fetch.run import wishes
from ansible_collections.hearth.llm.plugins.module_utils._fetch.store import Store
from ansible_collections.hearth.llm.plugins.module_utils._fetcher.described import Described, Model
from ansible_collections.hearth.llm.plugins.module_utils._http import Client


def have_files(described: Described, names: Iterable[str]) -> set[str]:
    """Those of them whose files are there as far as a look shows, whoever has put them there. The records are read once for all."""
    store = Store(described.directory)
    files = {name: store.current_files(name) for name in names if name in store.models}
    return {
        name
        for name, paths in files.items()
        if paths and all(os.path.exists(os.path.join(store.directory, path)) for path in paths)
    }


def is_there(described: Described, model: Model) -> bool:
    try:
        return not look(described, model)[1].fetches()
    except (HearthError, OSError):
        # Whoever asks for it is told why.
        return False


def look(described: Described, model: Model) -> tuple[Store, Plan]:
    """What of the model is missing. Everything is locked, so that nobody is asked."""
    parameters = described.parameters(model)
    store = Store(described.directory)
    endpoint = described.endpoint or os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
    wanted = wishes(parameters["models"], endpoint)
    with Client(ca_path=parameters["ca_path"]) as client:
        hub = Hub(client, endpoint, None)
        resolver = Resolver(client, hub, store, model.lock, update=False, allow_http=False, reading=_unseen)
        resolved = [(wish.name, resolver.resolve(wish)) for wish in wanted]
    return store, Planner(store, verify_full=False, reading=_unseen).plan(resolved, wanted, prune=False)


def _unseen(_name: str, _size: int) -> Callable[[int], None]:
    return lambda _count: None
