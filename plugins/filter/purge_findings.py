# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a directory is one that this collection has made, so that it may be removed as a whole."""

from __future__ import annotations

DOCUMENTATION = r"""
name: purge_findings
short_description: Whether a directory may be removed as a whole
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Says why a directory is not only the roles' own. It may be removed where it has nothing but what they make, and where that bears their marks.
positional: directory
options:
  _input:
    description: Paths of what is in the directory, two levels deep at least.
    type: list
    elements: str
    required: true
  directory:
    description: The directory.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Refuse to remove what others have put there
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join(' ') }}"
  vars:
    findings: "{{ found.files | map(attribute='path') | hearth.llm.purge_findings('/var/lib/hearth') }}"
"""

RETURN = r"""
_value:
  description: Sentences; none where the directory may go.
  type: list
  elements: str
"""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from ansible_collections.hearth.llm.plugins.module_utils._deployed_secrets import NOTE
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends

# What the roles make, and what a clone keeps of Ansible's.
OWN = frozenset(
    (
        "ansible",
        "backup",
        "gateway_usage",
        NOTE,
        "gpu-proof",
        "installed-packages.json",
        "models",
        "run",
        "services",
        "supervisor",
        "tmp",
        "venvs",
        *frontends(),
    )
)
# Others have directories of these names, too: ours have this in them, or nothing.
MARKS = {"backup": "config", "models": ".fetch", "services": "generations"}
# What a restore has put aside, and has not come to its end.
ASIDE = re.compile(r"(.+)\.before-[0-9a-f]{8}(-[0-9]+)?")


def purge_findings(paths: Iterable[str], directory: str) -> list[str]:
    below = [PurePosixPath(path).relative_to(PurePosixPath(directory)).parts for path in paths]
    names = {_own_name(parts[0]) for parts in below}
    foreign = sorted(names - OWN) + [
        f"{name} (without {mark})"
        for name, mark in MARKS.items()
        if any(parts[0] == name and len(parts) > 1 for parts in below)
        and not any(parts[0] == name and mark in parts[1:] for parts in below)
    ]
    if not foreign:
        return []
    verb = "is" if len(foreign) == 1 else "are"
    what = f"{directory} is to be removed with all that is in it, and {', '.join(foreign)} there {verb} not hearth's"
    return [f"{what}: correct hearth_directory, or move away what is yours. Nothing was removed."]


def _own_name(name: str) -> str:
    aside = ASIDE.fullmatch(name)
    return aside[1] if aside else name


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return {"purge_findings": purge_findings}
