# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of options are those of real builds, and what our own inventories ask for stands in them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists
from integration import wheel
from integration.conftest import PROJECT, environment
from lab import engine, images, recipes

INVENTORIES = sorted(path for path in PROJECT.glob("inventories/*") if path.is_dir())
ROLES = ("llama_cpp", "vllm")


def capture(directory: Path, *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-m", "tools.engine_options", "--directory", str(directory), *arguments]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return dict(json.loads(next(directory.glob("*.json")).read_text()))


def kept(name: str) -> dict[str, object]:
    return dict(json.loads((lists.DIRECTORY / name).read_text()))


def test_the_list_of_the_wheel_is_what_the_wheel_has(tmp_path: Path) -> None:
    found = capture(tmp_path, "xllamacpp", "--python", str(wheel.python()))
    assert lists.build_of("xllamacpp", wheel.LOCK.read_text()) == found["build"]
    assert kept(f"xllamacpp-{found['build']}.json")["options"] == found["options"]


def test_the_list_of_llama_server_is_what_it_prints(tmp_path: Path) -> None:
    engine.ensure()
    images.ensure([recipes.LLAMA_CPP])
    found = capture(tmp_path, "llama_cpp", "--image", recipes.LLAMA_CPP.reference)
    listed = kept(f"llama_cpp-{found['build']}.json")
    assert (listed["options"], listed["environment"]) == (found["options"], found["environment"])


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.name)
def test_every_option_of_our_own_inventories_is_one_of_the_pinned_builds(inventory: Path, tmp_path: Path) -> None:
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            # The pods of a cluster run the image of hosts.
            "llama_cpp_runtime": "{{ 'docker' if own == 'kubernetes' else own }}",
            "own": "{{ hearth_runtime | default('docker') }}",
        },
        "tasks": [
            {
                "name": "Check the options",
                "ansible.builtin.include_role": {"name": f"hearth.llm.{role}", "tasks_from": "validate_options"},
            }
            for role in ROLES
        ],
    }
    path = tmp_path / "play.yml"
    path.write_text(json.dumps([play]))
    # A host for each group, also for those that stand empty in the example or that only a cloud could name.
    copy = shutil.copytree(inventory, tmp_path / "inventory", ignore=shutil.ignore_patterns("aws_ec2.yml", ".secrets"))
    groups = {file.stem for file in inventory.glob("group_vars/*.yml")} - {"all"}
    hosts: dict[str, Any] = {group: {"hosts": {f"a-{group}": {}}} for group in groups} or {"all": {}}
    (copy / "a_host_for_each_group.json").write_text(json.dumps(hosts))
    checked = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(copy),
            str(path),
        ],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # Checked, and not passed over for want of a list.
    assert checked.stdout.count("options against those that this build has") >= len(ROLES)
    assert "[WARNING]" not in checked.stderr
