# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `./hearth models` makes of what it was told, without a host."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier
from ansible_collections.hearth.llm.tools.models import __main__ as command
from ansible_collections.hearth.llm.tools.models import known, runs, said
from ansible_collections.hearth.llm.tools.models.naming import suggested_name
from ansible_collections.hearth.llm.tools.models.runs import Seen

PAGE = Path(__file__).parents[4] / "docs/models_command.md"
SOURCE = "hf://owner/repo/a-Q4_K_M.gguf"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (
            "hf://bartowski/Mistral-Nemo-Instruct-2407-GGUF/Mistral-Nemo-Instruct-2407-Q4_K_M.gguf",
            "mistral-nemo-instruct-2407",
        ),
        ("hf://o/r@main/Q4_K_M/large-UD-IQ2_XXS-00001-of-00003.gguf", "large"),
        ("hf://nomic-ai/nomic-embed-text-v1.5-GGUF/nomic-embed-text-v1.5.Q8_0.gguf", "nomic-embed-text-v1.5"),
        ("hf://owner/Small-3B-GGUF/*Q4_K_M*.gguf", "small-3b"),
        ("hf://Qwen/Qwen2.5-7B-Instruct-AWQ", "qwen2.5-7b-instruct-awq"),
        ("https://models.example.org/Größe%20x.bf16.gguf?download=true", "gr-e-x"),
        ("file:///srv/models/own-F16.gguf", "own"),
    ],
)
def test_a_name_is_made_of_what_the_file_is_called(source: str, name: str) -> None:
    assert suggested_name(source) == name


def told(tmp_path: Path, **given: Any) -> dict[str, Any]:
    return {
        "described": {"a": {"source": SOURCE}, "b": {"source": "file:///b.gguf"}},
        "lock_file": str(tmp_path / "lock.yml"),
        "accepted_removals": [],
        "removal_percent_max": 50,
        "there": {},
        "deployed": False,
        "offered": {},
        "planned": [],
        **given,
    }


def lies(source: str) -> dict[str, Any]:
    return {"source": source, "revision": "", "bytes": 5, "complete": True, "files": []}


OFFERED = {"answered": True, "asked_for": None, "models": ["a"], "url": "u", "reason": ""}
FETCHING = {"model": "b", "what": "fetch", "file": "b.gguf", "bytes": 100, "done": 43, "rate": 1.0}


@pytest.mark.parametrize(
    ("given", "lock", "states", "served"),
    [
        ({}, {}, ["described", "described"], None),
        ({}, {SOURCE: {"files": [{"bytes": 5}]}}, ["locked", "described"], None),
        ({"there": {"models": {"a": lies(SOURCE)}}}, {}, ["fetched", "described"], False),
        # The same name from elsewhere is another model.
        ({"there": {"models": {"a": lies("hf://o/r/other.gguf")}}}, {}, ["described", "described"], False),
        ({"there": {"models": {}, "fetching": FETCHING}}, {}, ["described", "fetching 43%"], False),
        ({"there": {"models": {}}, "deployed": True, "offered": OFFERED}, {}, ["served", "described"], True),
        # To a key that may use b alone nothing is said of a.
        (
            {"there": {"models": {}}, "deployed": True, "offered": {**OFFERED, "asked_for": ["b"], "models": ["b"]}},
            {},
            ["described", "served"],
            None,
        ),
    ],
)
def test_a_model_is_as_far_as_it_is_known_to_have_come(
    tmp_path: Path, given: dict[str, Any], lock: dict[str, Any], states: list[str], served: bool | None
) -> None:
    (tmp_path / "lock.yml").write_text(json.dumps(lock))
    found = known.of_all(Seen({"h": told(tmp_path, **given)}))
    assert [said.state(model["hosts"]["h"]) for model in found["models"]] == states
    assert found["models"][0]["hosts"]["h"]["served"] is served


def test_a_name_that_cannot_be_a_directory_is_found_by_what_stands_for_it(tmp_path: Path) -> None:
    described = {"Owner/a:small": {"source": SOURCE}}
    seen = Seen(
        {"h": told(tmp_path, described=described, there={"models": {identifier("Owner/a:small"): lies(SOURCE)}})}
    )
    assert known.of_all(seen)["models"][0]["hosts"]["h"]["state"] == "fetched"
    assert known.of_all(seen)["only_on_hosts"] == []


def test_what_nobody_describes_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock.yml").write_text(
        json.dumps({"hf://o/r/old.gguf": {"revision": "c0", "files": [{"bytes": 2000}]}})
    )
    seen = Seen({"h": told(tmp_path, there={"models": {"old": lies("hf://o/r/old.gguf")}})}, unreached={})
    text = said.listed(known.of_all(seen))
    assert "old lies on h (5 bytes) and is not described: the next run takes it away." in text
    assert "hf://o/r/old.gguf is in the lock file (revision c0, 1 file, 2.0 kB) and not described." in text


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """An inventory of one host, which tells what the test says, and on which nothing is run."""
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "hosts.yml").write_text("all: {hosts: {h: }}\n")
    (tmp_path / "group_vars/all.yml").write_text("hearth_models:\n  a: {source: x}\n  b: {source: y}\n")
    state = told(tmp_path)
    monkeypatch.setattr(runs, "look", lambda *_words, **_given: Seen({"h": state}))
    monkeypatch.setattr(runs, "run", lambda *_words, **_given: pytest.fail("nothing is to be run"))
    return {"path": tmp_path, "state": state}


def call(inventory: dict[str, Any], *words: str) -> tuple[int, str]:
    status = command.main([words[0], "-i", str(inventory["path"]), *words[1:]])
    return status, (inventory["path"] / "group_vars/all.yml").read_text()


def test_what_would_take_more_than_a_correction_does_is_not_confirmed_by_yes(
    inventory: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    state = inventory["state"]
    state["described"] = {"b": {"source": "file:///b.gguf"}}
    state["there"] = {"models": {name: lies("") for name in ("a", "b", "c", "d", "e")}}
    status, text = call(inventory, "remove", "a", "--yes")
    assert (status, "  a: " in text) == (1, True)
    said = capsys.readouterr()
    assert "From h c goes, which is not described any more either" in said.out
    assert "This would remove 4 of 5 models of h: a, c, d, e." in said.err
    assert "confirm it at the prompt" in said.err
    state["accepted_removals"] = ["models"]
    assert call(inventory, "remove", "a", "--yes", "--no-run") == (0, "hearth_models:\n  b: {source: y}\n")


PLANNED = {
    "verdict": "unknown",
    "reason": "it is not there",
    "architecture": "",
    "remedies": [],
    "notes": [],
    "settings": {},
}


@pytest.mark.parametrize(
    ("planned", "why"),
    [
        (
            {"name": "new"},
            "h cannot tell what new is: it is not there. Nothing was written: correct the source, or describe it unseen by --offline.",
        ),
        (
            {"name": "new", "verdict": "refused"},
            "On h new does not fit: it is not there. Nothing was written: choose a smaller one.",
        ),
        (
            {"name": "a", "verdict": "refused"},
            "On h a does not fit any more with new: it is not there. Nothing was written: give new less to hold, by --set slots=…",
        ),
        (
            {
                "name": "new",
                "verdict": "refused",
                "remedies": [{"text": "", "verdict": "fits", "changes": {"options": {"a": 1}, "slots": 2}}],
            },
            """it would do with --set 'options={"a": 1}' --set slots=2 (fits).""",
        ),
    ],
)
def test_what_is_planned_wrong_is_refused_with_a_remedy(
    inventory: dict[str, Any], capsys: pytest.CaptureFixture[str], planned: dict[str, Any], why: str
) -> None:
    inventory["state"]["planned"] = [{**PLANNED, "context_tokens": 0, **planned}]
    status, text = call(inventory, "add", "hf://o/r/new.gguf")
    assert (status, "new" in text) == (1, False)
    assert why in capsys.readouterr().err


def test_a_host_that_is_off_is_named_and_an_offline_entry_is_only_written(
    inventory: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen({"h": inventory["state"]}, unreached={"h": "Connection timed out"})
    monkeypatch.setattr(runs, "look", lambda *_words, **_given: seen)
    status, text = call(inventory, "add", "hf://o/r/new.gguf", "--set", "files")
    assert (status, "new" in text) == (1, False)
    assert "--set 'files' is no setting: write KEY=VALUE" in capsys.readouterr().err
    for settings, why in (("source=x",), "write it once, as SOURCE"), (("slots=1", "slots=2"), "says slots twice"):
        words = [word for setting in settings for word in ("--set", setting)]
        assert call(inventory, "add", "hf://o/r/new.gguf", *words)[0] == 1
        assert why in capsys.readouterr().err
    status, text = call(inventory, "add", "hf://o/r/new.gguf")
    assert (status, "new" in text) == (1, False)
    assert (
        "h was not reached, so that nobody knows what lies and fits there (Connection timed out)"
        in capsys.readouterr().err
    )
    assert call(inventory, "add", "hf://o/r/new.gguf", "--offline") == (
        0,
        "hearth_models:\n  a: {source: x}\n  b: {source: y}\n  new: {source: hf://o/r/new.gguf}\n",
    )
    assert "Nothing was run. To make it so: ansible-playbook site.yml -i" in capsys.readouterr().out


def test_nobody_is_asked_where_nobody_sits_and_the_last_model_stays(
    inventory: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Closed())
    status, text = call(inventory, "remove", "a", "--no-run")
    assert (status, "  a: " in text) == (1, True)
    assert "nobody can be asked here: give --yes" in capsys.readouterr().err
    assert call(inventory, "remove", "a", "--no-run", "--yes")[0] == 0
    assert call(inventory, "remove", "b", "--no-run", "--yes") == (1, "hearth_models:\n  b: {source: y}\n")
    assert "is the only model" in capsys.readouterr().err


def test_every_option_stands_on_the_page() -> None:
    page = PAGE.read_text()
    verbs = next(part for part in command.parser()._actions if isinstance(part, argparse._SubParsersAction))
    for name, verb in verbs.choices.items():
        assert f"**`{name}" in page
        for action in verb._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}`" in page, f"{name} {option}"
