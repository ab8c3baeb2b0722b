# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit together in a description whose values are each right: names that lead nowhere, duplicates, contradictions."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Typed
from ansible_collections.hearth.llm.plugins.module_utils._description.measurements import of_measurements
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_clusters import of_cluster
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_hosts import of_host
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_keys import of_keys
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_models import of_models
from ansible_collections.hearth.llm.plugins.module_utils._description.relations_of_people import (
    of_assistants,
    of_exclusive,
    of_frontends,
    of_users,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.surroundings import Surroundings


def contradictions(described: Typed, around: Surroundings) -> Iterator[str]:
    """What could not be read is left alone: its own finding comes first."""
    yield from of_models(described)
    yield from of_keys(described, around)
    yield from of_frontends(described)
    yield from of_assistants(described, around)
    yield from of_users(described)
    yield from of_host(described, around)
    yield from of_measurements(described)
    yield from of_cluster(described)
    yield from of_exclusive(described, around)
