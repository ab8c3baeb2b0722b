# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file systems that directories of a host lie on. PRIVATE to the collection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterable, Iterator

    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host


def of(host: Host, directories: Iterable[str]) -> Iterator[tuple[str, os.statvfs_result]]:
    """Each once, under the first directory that lies on it."""
    seen = set()
    for directory in directories:
        if not host.exists(directory):
            continue
        said = os.statvfs(host.path(directory))
        if said.f_fsid not in seen:
            seen.add(said.f_fsid)
            yield directory, said
