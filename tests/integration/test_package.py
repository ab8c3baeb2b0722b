# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that users install holds what they need, nothing else, and runs by FQCN."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

import pytest
import yaml

from .conftest import PROJECT, environment

BIN = Path(sys.executable).parent
TREES = {"changelogs", "docs", "files", "inventories", "meta", "playbooks", "plugins", "roles"}
FILES = {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "bindep.txt", "site.yml"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("archive")
    clone = directory / "clone"
    # Of what git knows, so that nothing that lies around here is taken for a part of the collection.
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(clone)], check=True)
    build = [str(BIN / "ansible-galaxy"), "collection", "build", str(clone), "--output-path", str(directory)]
    subprocess.run(build, check=True, env=environment(directory), stdout=subprocess.DEVNULL)
    return next(directory.glob("hearth-llm-*.tar.gz"))


def test_the_archive_holds_the_collection_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = [Path(member.name) for member in tar.getmembers() if member.isfile()]
    assert {name.parts[0] for name in names if len(name.parts) > 1} <= TREES
    assert {name.name for name in names if len(name.parts) == 1} == FILES
    assert not [name for name in names if name.suffix in (".pyc", ".orig", ".swp") or ".secrets" in name.parts]
    # Each inventory is whole or not there: links to another one's description are left out of archives.
    with_hosts = {name.parts[1] for name in names if name.parts[0] == "inventories" and name.suffix == ".yml"}
    assert all(Path("inventories") / one / "hosts.yml" in names or one == "gpu_vm_aws" for one in with_hosts)
    assert not [
        one for one in with_hosts if any(path.is_symlink() for path in (PROJECT / "inventories" / one).rglob("*"))
    ]
    assert Path("files/models/hearth-mini.gguf") in names
    assert Path("files/models/hearth-mini/model.safetensors") in names


def install(archive: Path, directory: Path) -> tuple[Path, dict[str, str]]:
    """Into an empty directory, as a user would: where it lies, and the environment to run it in."""
    collections = directory / "collections"
    # Users of the installed collection do not have the ansible.cfg of a clone.
    (directory / "ansible.cfg").touch()
    variables = {
        **environment(directory),
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
    }
    command = [str(BIN / "ansible-galaxy"), "collection", "install", str(archive), "--no-deps", "-p", str(collections)]
    subprocess.run(command, check=True, env=variables, stdout=subprocess.DEVNULL)
    return collections, variables


def test_it_runs_by_its_name(archive: Path, tmp_path: Path) -> None:
    collections, variables = install(archive, tmp_path)
    inventory = collections / "ansible_collections/hearth/llm/inventories/local"
    for playbook in ("site", "preflight", "verify", "remove"):
        subprocess.run(
            [str(BIN / "ansible-playbook"), f"hearth.llm.{playbook}", "-i", str(inventory), "--syntax-check"],
            check=True,
            cwd=tmp_path,
            env=variables,
        )
    before = {path for path in collections.rglob("*") if "__pycache__" not in path.parts}
    checked = subprocess.run(
        [str(BIN / "ansible-playbook"), "hearth.llm.preflight", "-i", str(inventory), "-e", '{"preflight_ports": []}'],
        check=False,
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "[WARNING]" not in checked.stderr, checked.stderr

    # What is kept in a collection is deleted by its next installation.
    site = [
        str(BIN / "ansible-playbook"),
        "hearth.llm.site",
        "-e",
        '{"preflight_fail_on": "never", "preflight_ports": []}',
        "-i",
    ]
    in_place = subprocess.run(
        [*site, str(inventory)], check=False, cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert in_place.returncode == 2, in_place.stdout
    refusal = " ".join(in_place.stdout.split())
    assert f"{inventory}/.secrets would lie in the installed collection hearth.llm" in refusal
    assert "copy the inventory to a directory of your own" in refusal
    assert {path for path in collections.rglob("*") if "__pycache__" not in path.parts} == before

    mine = tmp_path / "mine"
    shutil.copytree(inventory, mine)
    shown = subprocess.run(
        [
            str(BIN / "ansible"),
            "localhost",
            "-i",
            str(mine),
            "-m",
            "ansible.builtin.debug",
            "-a",
            "msg={{ hearth_directory }},{{ hearth_models['hearth-mini'].source }}",
        ],
        check=True,
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
    ).stdout
    directory, source = re.findall(r"(/\S+),file://([^\s\"]+)", shown)[0]
    assert directory == f"{tmp_path}/.hearth"
    assert Path(source).is_relative_to(collections)
    assert Path(source).is_file()


def test_the_installed_collection_serves_an_answer_outside_any_clone(archive: Path, tmp_path: Path) -> None:
    # Paths of sockets may not be long.
    with tempfile.TemporaryDirectory(prefix="hearth-") as home:
        collections, variables = install(archive, tmp_path)
        mine = tmp_path / "mine"
        shutil.copytree(collections / "ansible_collections/hearth/llm/inventories/local", mine)
        # Apart from a service that may run here already.
        own = json.dumps(
            {
                "hearth_directory": f"{home}/hearth",
                "hearth_port": 28443,
                "gateway_metrics_port": 28404,
                "preflight_fail_on": "never",
            }
        )

        def play(name: str, *options: str) -> str:
            process = subprocess.run(
                [str(BIN / "ansible-playbook"), f"hearth.llm.{name}", "-i", str(mine), "-e", own, *options],
                check=False,
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
            )
            assert process.returncode == 0, process.stdout + process.stderr
            assert "[WARNING]" not in process.stderr, process.stderr
            return process.stdout

        try:
            output = play("site")
            assert "hearth-mini answered:  I am hearth-mini, and I am ready." in output
            # What is printed works here, too: no program of a clone is named.
            assert f"ansible-playbook hearth.llm.remove -i {mine}" in " ".join(output.split())
            assert "./hearth" not in output
            assert (mine / ".secrets/tls/ca.pem").is_file()
        finally:
            play("remove", "-e", "hearth_purge=true")
        assert not Path(f"{home}/hearth").exists()
        again = play("remove", "-e", "hearth_purge=true")
        changes = [
            task.splitlines()[0] for task in again.split("\nTASK [") if re.search(r"^changed: ", task, re.MULTILINE)
        ]
        assert changes == [], "what is gone already is no change"


def test_a_controller_without_the_clouds_collection_is_told_so(archive: Path, tmp_path: Path) -> None:
    collections, variables = install(archive, tmp_path)
    # Nothing but what galaxy.yml asks for.
    there = Path(sysconfig.get_paths()["purelib"]) / "ansible_collections"
    for name in yaml.safe_load((PROJECT / "galaxy.yml").read_text())["dependencies"]:
        link = collections / "ansible_collections" / name.replace(".", "/")
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(there / name.replace(".", "/"))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "hosts.yml").write_text("all: {hosts: {vm: {cloud_vm_provider: aws, cloud_vm_region: us-east-1}}}\n")
    process = subprocess.run(
        [str(BIN / "ansible-playbook"), "hearth.llm.provision_cloud_vm", "-i", str(mine)],
        check=False,
        cwd=tmp_path,
        env={**variables, "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    words = " ".join(process.stdout.split())
    assert (
        "cloud_vm_provider is aws, and this controller lacks the collection amazon.aws: install it by ansible-galaxy"
        in words
    )
