# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])

NAME = "hearth_secrets_directory"


@pytest.fixture(autouse=True)
def _not_in_awx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWX_PRIVATE_DATA_DIR", raising=False)


def place(*sources: Path | str, **variables: Any) -> str:
    known = {"ansible_inventory_sources": [str(source) for source in sources], "inventory_dir": None, **variables}
    loader = DataLoader()
    plugin = lookup_loader.get("hearth.llm.beside_inventory", loader=loader, templar=Templar(loader, variables=known))
    (path,) = plugin.run([".secrets"], known, variable=NAME)
    (reason,) = plugin.run([".secrets"], known, variable=NAME, refusal=True)
    assert reason == ""
    return str(path)


def refusal(*sources: Path | str, **variables: Any) -> str:
    with pytest.raises(AnsibleError) as refused:
        place(*sources, **variables)
    assert NAME in str(refused.value), "the way out is not named"
    return str(refused.value)


def inventory(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "hosts.yml").touch()
    return path


def test_it_is_beside_the_source_whether_that_is_a_directory_or_a_file(tmp_path: Path) -> None:
    mine = inventory(tmp_path / "mine")
    assert place(mine) == place(mine / "hosts.yml") == place(mine, mine / "hosts.yml", "more,") == f"{mine}/.secrets"


@pytest.mark.parametrize("sources", [["localhost,"], ["a,b"], [], ["/nowhere/at/all"]])
def test_a_list_of_hosts_has_no_directory(sources: list[str]) -> None:
    assert "no place for .secrets beside it" in refusal(*sources)


def test_several_sources_are_one_place_or_none(tmp_path: Path) -> None:
    """With another choice of sources the same host would get other secrets."""
    one, other = inventory(tmp_path / "one"), inventory(tmp_path / "other")
    assert f"could lie in any of {one} and {other}" in refusal(one, other)
    (other / ".secrets").mkdir()
    assert place(one, other) == f"{other}/.secrets"
    (one / ".secrets").mkdir()
    assert f"lies in {one} and {other}" in refusal(one, other)
    assert place(one, other, **{NAME: str(tmp_path)}) == str(tmp_path)


def test_a_source_within_the_inventory_keeps_what_it_has(tmp_path: Path) -> None:
    top = inventory(tmp_path / "top")
    nested = inventory(top / "static")
    assert place(top, inventory_dir=str(nested)) == f"{top}/.secrets"
    (nested / ".secrets").mkdir()
    assert place(top, inventory_dir=str(nested)) == f"{nested}/.secrets"


def test_what_a_user_says_is_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("host,", **{NAME: "~/s"}) == place("host,", **{NAME: "$HOME/s"}) == f"{tmp_path}/s"
    templated = {NAME: trust_as_template("{{ root }}/s"), "root": str(tmp_path)}
    assert place("host,", **templated) == f"{tmp_path}/s"
    for relative in ("secrets", "None/.secrets", "./s"):
        assert f"{NAME} is '{relative}'" in refusal("host,", **{NAME: relative})


def test_an_installed_collection_is_no_place_and_a_clone_is(tmp_path: Path) -> None:
    collection = tmp_path / "ansible_collections/hearth/llm"
    local = inventory(collection / "inventories/local")
    for refused in (refusal(local), refusal("host,", **{NAME: str(collection / "mine")})):
        assert f"in the installed collection hearth.llm ({collection})" in refused
    link = tmp_path / "linked"
    link.symlink_to(local)
    assert "installed collection" in refusal(link)
    (collection / ".git").touch()
    assert place(local) == f"{local}/.secrets"


def test_a_place_that_cannot_be_written_to_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = inventory(tmp_path / "mine")
    # Root may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != mine)
    assert f"{mine} cannot be written to" in refusal(mine)
    (mine / ".secrets").mkdir()
    assert place(mine) == f"{mine}/.secrets"


def test_a_place_below_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is no directory" in refusal("host,", **{NAME: str(tmp_path / "file/secrets")})


def test_a_job_of_awx_is_thrown_away_with_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = inventory(tmp_path / "project")
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_61_ifxztvul")
    assert "would be thrown away with this job of AWX" in refusal(project)
    assert place(project, **{NAME: str(tmp_path / "mounted")}) == f"{tmp_path}/mounted"
    (project / ".secrets").mkdir()
    assert place(project) == f"{project}/.secrets"


def test_what_everybody_asks_for_needs_no_more_than_its_name(tmp_path: Path) -> None:
    source = inventory(tmp_path / "mine")
    known = {
        "ansible_inventory_sources": [str(source)],
        "inventory_dir": None,
        "hearth_models_lock_file": str(tmp_path / "lock.yml"),
    }
    loader = DataLoader()
    plugin = lookup_loader.get("hearth.llm.beside_inventory", loader=loader, templar=Templar(loader, variables=known))
    assert plugin.run([".secrets", ".models.lock.yml"], known) == [str(source / ".secrets"), str(tmp_path / "lock.yml")]
    with pytest.raises(AnsibleError, match="give variable"):
        plugin.run(["notes"], known)


def test_a_secret_lies_there_unless_it_is_told_where(tmp_path: Path) -> None:
    source = inventory(tmp_path / "mine")
    known: dict[str, Any] = {"ansible_inventory_sources": [str(source)], "inventory_dir": None}
    loader = DataLoader()
    plugin = lookup_loader.get("hearth.llm.secret", loader=loader, templar=Templar(loader, variables=known))
    (source / ".secrets").mkdir()
    (source / ".secrets/engine_key").write_text("the key\n")
    (source / ".secrets/engine_key").chmod(0o600)
    assert plugin.run(["engine_key"], known) == ["the key"]
    known["hearth_secrets_directory"] = "secrets"
    with pytest.raises(AnsibleError, match="hearth_secrets_directory is 'secrets'"):
        plugin.run(["engine_key"], known)
