# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of Python and ansible-core that are promised are those that the locks have and CI tries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[3]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
MATRIX = [(entry["python"], entry["core"]) for entry in WORKFLOW["jobs"]["versions"]["strategy"]["matrix"]["include"]]


def pythons() -> list[str]:
    """What the wrapper takes."""
    low, high = re.findall(r"\(3, (\d+)\)", (ROOT / "hearth").read_text())
    return [f"3.{minor}" for minor in range(int(low), int(high) + 1)]


def oldest_core() -> Version:
    return Version(yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"].removeprefix(">="))


def locked(lock: str, python: str, name: str) -> Version:
    """The one version that a lock has for a Python, on Linux."""
    system = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    lines = [line.split(" \\")[0] for line in (ROOT / lock).read_text().splitlines() if line.startswith(f"{name}==")]
    wanted = [Requirement(line) for line in lines]
    (found,) = [one for one in wanted if one.marker is None or one.marker.evaluate(system)]
    return Version(str(found.specifier).removeprefix("=="))


@pytest.mark.parametrize("python", pythons())
def test_each_python_has_one_ansible_core_in_both_locks_and_it_is_promised(python: str) -> None:
    core = locked("requirements.txt", python, "ansible-core")
    assert core == locked("requirements-test.txt", python, "ansible-core")
    assert core >= oldest_core()


def test_ci_tries_each_python_with_what_its_lock_has_and_each_ansible_core_from_the_oldest_on() -> None:
    of_locks = {python: locked("requirements.txt", python, "ansible-core") for python in pythons()}
    assert {(python, f"{core.major}.{core.minor}") for python, core in of_locks.items()} <= set(MATRIX)
    tried = sorted({Version(core) for _python, core in MATRIX})
    newest = max(of_locks.values())
    oldest = oldest_core()
    assert [str(core) for core in tried] == [f"2.{minor}" for minor in range(oldest.minor, newest.minor + 1)]


def test_actions_are_named_by_their_commit() -> None:
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        for line in workflow.read_text().splitlines():
            if found := re.search(r"uses: (?!\./)(.*)", line):
                assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", found[1]), line
