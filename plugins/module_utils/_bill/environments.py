# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python environments of the runtime process, by what their packages say of themselves. PRIVATE to the collection."""

from __future__ import annotations

import re
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

# What pip makes of the name of a package: names that differ in these are one.
_SEPARATORS = re.compile(r"[-_.]+")


def environments(host: Host, directory: str) -> list[dict[str, Any]]:
    """Those below `directory`/venvs, each with its Python and its packages."""
    found = []
    for name in host.names(f"{directory}/venvs"):
        venv = f"{directory}/venvs/{name}"
        settings = dict(line.partition(" = ")[::2] for line in host.read(f"{venv}/pyvenv.cfg").splitlines())
        packages = [
            _package(host.read(f"{venv}/lib/{python}/site-packages/{entry}/METADATA"))
            for python in host.names(f"{venv}/lib")
            for entry in host.names(f"{venv}/lib/{python}/site-packages")
            if entry.endswith(".dist-info")
        ]
        # Half an environment, of a run that was cut, has none.
        if packages:
            found.append({"name": name, "python": settings.get("version", ""), "packages": sorted(packages)})
    return found


def _package(metadata: str) -> tuple[str, str]:
    told = HeaderParser().parsestr(metadata)
    return _SEPARATORS.sub("-", str(told["Name"] or "")).lower(), str(told["Version"] or "")
