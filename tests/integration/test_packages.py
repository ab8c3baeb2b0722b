# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role packages, and distribution_packages by it, on this very machine, as far as nothing is installed: what is told, noted and refused."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import Outcome, Runner

NAME = "hearth-no-such-package"
REPOSITORY = {"name": "hearth-nowhere", "state": "absent"}
# One play asks for each of these on a host of its own, all of which are this machine.
PRESENT: dict[str, Any] = {"entry": "main", "packages_names": [NAME, "haproxy=9.9"], "packages_state": "present"}
ABSENT: dict[str, Any] = {**PRESENT, "packages_state": "absent"}
HELD: dict[str, Any] = {"entry": "hold", "packages_names": [NAME]}
FORGOTTEN: dict[str, Any] = {"entry": "repository", "packages_repository": REPOSITORY}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root is told")


@pytest.fixture
def packages(playbook: Runner) -> Any:
    """Calls entry points of the role, each with variables of its own."""

    def call(*options: str, succeeds: bool = True, **asked: dict[str, Any]) -> Outcome:
        playbook.hosts(asked)
        tasks = [
            {
                "name": f"Call the role's entry point {entry}",
                "ansible.builtin.include_role": {"name": "hearth.llm.packages", "tasks_from": entry},
                "when": f"entry == '{entry}'",
            }
            for entry in ("main", "hold", "repository")
        ]
        return playbook([{"hosts": "all", "gather_facts": False, "tasks": tasks}], *options, succeeds=succeeds)

    return call


@needs_root
def test_a_dry_run_says_what_would_come_go_and_be_held(packages: Any) -> None:
    outcome = packages("--check", coming=PRESENT, going=ABSENT, held=HELD, forgotten=FORGOTTEN)
    assert f"Would be installed: {NAME}, haproxy=9.9." in outcome.words
    assert f"Would be removed: {NAME}, haproxy=9.9." in outcome.words
    assert f"Would be held back from updates: {NAME}." in outcome.words
    # A repository that is not there does not have to go.
    assert outcome.changed == 3


@needs_root
def test_what_could_not_be_installed_is_named_with_the_host_and_the_remedy(packages: Any) -> None:
    asked = {"packages_names": [NAME], "packages_update_cache": False, "packages_remedy": "Ask the moon."}
    outcome = packages(host={**PRESENT, **asked}, succeeds=False)
    assert (
        f"On host could not be installed: {NAME}. No package matching '{NAME}' is available Ask the moon."
        in outcome.words
    )
    assert outcome.changed == 0


def test_who_is_not_root_reads_what_to_have_run(packages: Any, tmp_path: Path) -> None:
    nobody = {}
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        assert setpriv
        python = tmp_path / "python-of-nobody"
        python.write_text(
            f'#!/bin/sh\nexec {setpriv} --reuid 65534 --regid 65534 --clear-groups {sys.executable} "$@"\n'
        )
        python.chmod(0o755)
        # Nobody may not read files of root: the module comes by its standard input.
        nobody = {"ansible_python_interpreter": str(python), "ansible_pipelining": True, "ansible_remote_tmp": "/tmp"}
    outcome = packages(coming={**PRESENT, **nobody}, going={**ABSENT, **nobody}, succeeds=False)
    assert "is not root on coming, and packages are root's: have an administrator run" in outcome.words
    assert f"'apt-get install {NAME} haproxy=9.9' there, and run this again." in outcome.words.replace("''", "'")
    assert f"'apt-get remove {NAME} haproxy=9.9' there, and run this again." in outcome.words.replace("''", "'")
    assert outcome.changed == 0


def test_a_family_that_is_not_known_is_refused_with_its_name(packages: Any) -> None:
    # Above what the role knows.
    families = '{"__packages_families": {"Suse": {}}}'
    outcome = packages("--extra-vars", families, coming=PRESENT, held=HELD, forgotten=FORGOTTEN, succeeds=False)
    refusal = "of the family Debian, and packages are installed on the families Suse only: "
    assert f"{refusal}install {NAME}, haproxy=9.9 there by yourself, and run this again." in outcome.words
    assert f"{refusal}hold {NAME} back from updates there by yourself." in outcome.words
    assert f"{refusal}add the repository hearth-nowhere there by yourself." in outcome.words
    assert outcome.changed == 0


@needs_root
def test_what_comes_with_processes_is_noted_before_it_is_installed_and_the_note_goes_with_it(
    playbook: Runner, tmp_path: Path
) -> None:
    # No program of this name, so the package is missing; and no package of this name, so nothing is installed.
    wanted = [{"package": NAME, "probe": [sys.executable, "-c", "import hearth_no_such_module"]}]
    inputs = {
        "distribution_packages_wanted": wanted,
        "distribution_packages_directory": str(tmp_path / "hearth"),
    }
    note = tmp_path / "hearth/installed-packages.json"

    def bring(state: str, *options: str, succeeds: bool = True) -> Outcome:
        role = {"role": "hearth.llm.distribution_packages", **inputs, "distribution_packages_state": state}
        offline = {"packages_update_cache": False}
        play = {"hosts": "all", "gather_facts": False, "vars": offline, "roles": [role]}
        return playbook([play], *options, succeeds=succeeds)

    outcome = bring("present", "--check")
    assert f"Would be installed: {NAME}." in outcome.words
    # The directory, the note, the package.
    assert outcome.changed == 3
    assert not note.exists()
    # A run that ends before they are there forgets nothing.
    bring("present", succeeds=False)
    assert json.loads(note.read_text()) == [NAME]
    outcome = bring("absent", "--check")
    assert f"Would be removed: {NAME}." in outcome.words
    assert note.exists()
    bring("absent")
    assert not note.exists()
    assert bring("absent").changed == 0
