# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules.config_generation import run, strangers

JUDGE = [
    sys.executable,
    "-c",
    "import sys; sys.exit('bad' in open(sys.argv[1]).read() and 'it is bad')",
    "{config}/text",
]


def described(name: str, content: str = "one", **more: Any) -> dict[str, Any]:
    files = [{"path": "text", "content": content, "secret_content": None, "mode": "0640"}]
    return {"name": name, "files": files, "definition": {}, "reloadable": False, "validate": [], "group": None, **more}


class Services:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def have(
        self, *services: dict[str, Any], state: str = "present", check_mode: bool = False, files: Any = ()
    ) -> tuple[dict[str, dict[str, Any]], list[dict[str, str]]]:
        module: Any = SimpleNamespace(check_mode=check_mode, run_command=command)
        params = {"directory": str(self.directory), "state": state, "files": list(files), "services": list(services)}
        told, diff = run(params, module)
        return {one["name"]: one for one in told}, diff

    def text(self, name: str) -> str:
        return (self.directory / name / "current/text").read_text()


def command(words: list[str]) -> tuple[int, str, str]:
    judged = "bad" in Path(words[-1]).read_text()
    return (1, "", "it is bad") if judged else (0, "", "")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path / "services")


def test_all_services_of_a_list_are_written_and_told_each_by_its_name(services: Services) -> None:
    told, diff = services.have(described("a"), described("b", "two"))
    assert {name: one["changed"] for name, one in told.items()} == {"a": True, "b": True}
    assert (services.text("a"), services.text("b")) == ("one", "two")
    assert [one["after_header"] for one in diff if one["after"] == "two"] == ["b: text"]
    told, diff = services.have(described("a"), described("b", "three"))
    assert {name: one["changed"] for name, one in told.items()} == {"a": False, "b": True}
    assert told["b"]["restart_key"] == told["b"]["generation"]


def test_what_all_have_is_said_once_and_lies_beside_what_is_their_own(services: Services) -> None:
    common = [{"path": "common", "content": "of all", "secret_content": None, "mode": "0600"}]
    services.have(described("a"), described("b"), files=common)
    assert [(services.directory / name / "current/common").read_text() for name in "ab"] == ["of all"] * 2
    assert not any(one["changed"] for one in services.have(described("a"), described("b"), files=common)[0].values())
    assert services.have(described("a"), described("b"))[0]["a"]["changed"]


def test_one_that_is_refused_keeps_its_files_and_the_others_get_theirs(services: Services) -> None:
    services.have(described("a"), described("b"))
    told, _diff = services.have(described("a", "bad", validate=JUDGE), described("b", "two", validate=JUDGE))
    assert "was refused by" in told["a"]["error"]
    assert "it is bad" in told["a"]["error"]
    assert (told["a"]["changed"], told["b"]["changed"], told["b"]["error"]) == (False, True, "")
    assert (services.text("a"), services.text("b")) == ("one", "two")


def test_one_whose_files_cannot_be_written_says_why_and_the_others_get_theirs(services: Services) -> None:
    services.directory.mkdir()
    (services.directory / "a").write_text("a file in the place of a directory")
    told, _diff = services.have(described("a"), described("b"))
    assert str(services.directory / "a") in told["a"]["error"]
    assert services.text("b") == "one"
    told, _diff = services.have(described("a", group="nobody-has-this-name"), described("b"))
    assert told["b"]["error"] == ""


def test_only_what_was_proven_comes_back_and_only_of_those_that_are_named(services: Services) -> None:
    services.have(described("a"), described("b"), described("c"))
    services.have({"name": "a"}, {"name": "b"}, state="proven")
    services.have(described("a", "two"), described("b", "two"), described("c", "two"))
    told, _diff = services.have(described("a"), described("c"), state="rolled_back")
    assert (services.text("a"), services.text("b"), services.text("c")) == ("one", "two", "two")
    assert (told["a"]["is_proven"], told["c"]["is_proven"], told["c"]["definition"]) == (True, False, {})


def test_a_dry_run_tells_the_same_and_writes_nothing(services: Services) -> None:
    told, diff = services.have(described("a"), described("b"), check_mode=True)
    assert all(one["changed"] for one in told.values())
    assert len(diff) == 4
    assert not services.directory.exists()
    services.have(described("a"))
    assert services.have({"name": "a"}, state="absent", check_mode=True)[0]["a"]["changed"]
    assert services.text("a") == "one"
    assert services.have({"name": "a"}, state="absent")[0]["a"]["changed"]
    assert not services.have({"name": "a"}, state="absent")[0]["a"]["changed"]


def test_a_family_is_those_whose_names_begin_with_it_and_a_dash(services: Services) -> None:
    assert strangers(str(services.directory), "vllm", []) == []
    services.have(*(described(name) for name in ("vllm", "vllm-a", "vllm-b", "vllmore-c")))
    assert strangers(str(services.directory), "vllm", ["vllm-a"]) == ["vllm-b"]


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".a", "a b"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(services: Services, name: str) -> None:
    with pytest.raises(HearthError, match="is no name of a service"):
        services.have(described("a"), described(name))
    assert not services.directory.exists()


def test_two_services_of_one_name_are_refused(services: Services) -> None:
    with pytest.raises(HearthError, match="described twice: a"):
        services.have(described("a"), described("a"))
