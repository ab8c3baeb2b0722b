# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a controller keeps what belongs to an inventory: beside it, in one place that outlives the run.

Whatever is written to a place that the next run does not find is made anew there, and the hosts are locked out of what they had.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

# AWX names the directory of a job by this. It is thrown away with the job.
AWX_JOB = "AWX_PRIVATE_DATA_DIR"

SECRETS = ".secrets"
# By which variable a user says that it is elsewhere.
VARIABLES = {
    SECRETS: "hearth_secrets_directory",
    ".models.lock.yml": "hearth_models_lock_file",
    ".reports": "hearth_reports_directory",
    ".sbom.cdx.json": "hearth_sbom_file",
    ".monitoring": "hearth_monitoring_directory",
    ".measurements": "hearth_measurements_directory",
    ".hearth.lock.yml": "hearth_lock_file",
}


def place_of(name: str, variable: str, known: Mapping[str, Any], template: Callable[[Any], Any]) -> Path:
    """As place_beside, from the variables of a host."""
    given = template(known[variable]) if variable in known else None
    return place_beside(
        name,
        variable,
        str(given or ""),
        [str(source) for source in known.get("ansible_inventory_sources") or []],
        known.get("inventory_dir"),
        os.environ,
    )


def place_beside(
    name: str,
    variable: str,
    given: str,
    sources: Iterable[str],
    inventory_dir: str | None,
    environment: Mapping[str, str],
) -> Path:
    """The path of `name` beside the inventory, or `given`, what `variable` says. Looks, and makes nothing."""
    path = _given(variable, given) if given else _beside(name, variable, sources, inventory_dir, environment)
    collection = _installed_collection(path)
    if collection:
        raise InputError(
            f"{path} would lie in the installed collection {collection}, which the next installation deletes with all that is in it: "
            f"copy the inventory to a directory of your own and run that, or set {variable} to an absolute path elsewhere."
        )
    _refuse_unwritable(path, variable)
    return path


def _given(variable: str, given: str) -> Path:
    path = Path(os.path.expandvars(given)).expanduser()
    if not path.is_absolute():
        raise InputError(
            f"{variable} is {given!r}, which means another place in each directory that a run is started from: "
            f"give an absolute path, such as ~/{variable.removeprefix('hearth_')} or one that begins with {{{{ inventory_dir }}}}."
        )
    return path


def _beside(
    name: str, variable: str, sources: Iterable[str], inventory_dir: str | None, environment: Mapping[str, str]
) -> Path:
    directories = _directories(sources)
    if not directories:
        raise InputError(
            f"The inventory is a list of hosts or a script without a directory of its own, so there is no place for {name} beside it: "
            f"use an inventory in a directory (-i inventories/mine), or set {variable} to an absolute path on this controller."
        )
    # Beside a file within a directory that is the inventory it lay before there were several sources.
    nested = [Path(inventory_dir)] if inventory_dir and Path(inventory_dir).is_absolute() else []
    existing = [place for place in dict.fromkeys(directories + nested) if (place / name).exists()]
    if (len(directories) > 1 and len(existing) != 1) or len(existing) > 1:
        there = " and ".join(map(str, existing or directories))
        raise InputError(
            f"The inventory has several sources, and {name} {'lies in' if existing else 'could lie in any of'} {there}: with another choice of sources "
            f"another one would be used. Set {variable} to one absolute path, in the variables of the group all."
        )
    directory = (existing or directories)[0]
    if not existing and AWX_JOB in environment:
        raise InputError(
            f"{directory / name} would be thrown away with this job of AWX: set {variable} to a directory that every job finds "
            "(a path exposed to jobs, or a volume), or have the secrets in the project, encrypted by Ansible Vault."
        )
    return directory / name


def _directories(sources: Iterable[str]) -> list[Path]:
    """The directories of the sources, each once. A list of hosts (`a,b,`) has none."""
    paths = [Path(source) for source in sources if "," not in source]
    return list(dict.fromkeys(path if path.is_dir() else path.parent for path in paths if path.exists()))


def _installed_collection(path: Path) -> str:
    """The name of the collection that the path lies in, unless it is somebody's clone."""
    real = Path(os.path.realpath(path))
    for parent in real.parents:
        if parent.parent.parent.name == "ansible_collections" and not (parent / ".git").exists():
            return f"{parent.parent.name}.{parent.name} ({parent})"
    return ""


def _refuse_unwritable(path: Path, variable: str) -> None:
    if path.exists():
        return
    parent = next(parent for parent in path.parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(
            f"{path} is not there and cannot be made, because {parent} {'cannot be written to by this user' if parent.is_dir() else 'is no directory'}: "
            f"set {variable} to an absolute path that can, and that the next run finds again."
        )
