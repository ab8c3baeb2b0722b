# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag leads to all that has it: by its role's name to every task of a role, by the name of a phase to that phase, and by `verify` to questions only."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.lookup.room_tags import PHASES
from unit.roles.task_tree import COMMON, INTERNAL, PROJECT, ROLES, Visit, plays_of, role_tasks, tasks_of, visits

VISITS = visits()
# What is only asked, and brings no host to its state.
ASKED = [visit for playbook in ("look_at_models", "doctor", "status") for visit in visits(playbook)]
# Made, trusted or written before or after a run of site.yml; what the others have their packages and services from.
ELSEWHERE = {"backup", "cloud_vm", "load_test", "lock", "monitoring", "sbom", "trusted_ca", "windows_ssh"} | INTERNAL
DEPLOYED = [role for role in ROLES if role not in ELSEWHERE]
PAGE = PROJECT / "docs/running_again.md"


def ways(role: str) -> dict[tuple[Path, str], list[Visit]]:
    """The ways to each task that runs for the role, those of internal roles included."""
    found = defaultdict(list)
    for visit in VISITS:
        if visit.role == role:
            found[visit.file, visit.name].append(visit)
    return found


def phases(role: str) -> list[str]:
    """The phases that have a tag. A role that does one thing has none."""
    tags = {tag for written in role_tasks(role).values() for tag in written}
    return [phase for phase in PHASES if f"{role}_{phase}" in tags]


@pytest.mark.parametrize("role", [role for role in ROLES if role not in INTERNAL])
def test_a_role_has_its_name_and_phases_of_the_vocabulary_as_tags_and_no_others(role: str) -> None:
    allowed = {role, *(f"{role}_{phase}" for phase in PHASES), "verify", "summary"}
    used = {tag for tags in role_tasks(role).values() for tag in tags}
    assert used <= allowed
    assert role in used


@pytest.mark.parametrize("role", DEPLOYED)
def test_every_task_of_a_role_is_reached_by_its_name(role: str) -> None:
    reached = {task for task, found in ways(role).items() if any(role in way.reached_by for way in found)}
    assert ways(role).keys() - reached == set()
    written = {task for task in role_tasks(role) if task[1]}
    asked = {(visit.file, visit.name) for visit in ASKED}
    assert written - reached - asked == set(), "neither site.yml nor a playbook that only asks comes to these"


@pytest.mark.parametrize("role", [role for role in DEPLOYED if phases(role)])
def test_every_task_belongs_to_a_phase_and_is_reached_by_it(role: str) -> None:
    own = {f"{role}_{phase}" for phase in phases(role)}
    for task, found in ways(role).items():
        belongs = {tag for way in found for tag in way.tags} & own
        assert belongs or "always" in found[0].tags, task
        assert belongs <= {tag for way in found for tag in way.reached_by}, task


@pytest.mark.parametrize("role", DEPLOYED)
def test_verify_reaches_what_asks_and_nothing_that_changes(role: str) -> None:
    changing = {f"{role}_{phase}" for phase in ("install", "configure", "run")}
    asking = {f"{role}_validate", f"{role}_verify"}
    for found in ways(role).values():
        for way in found:
            if way.tags & changing and not way.tags & asking:
                assert "verify" not in way.reached_by, way
        if any(f"{role}_verify" in way.tags for way in found):
            assert any("verify" in way.reached_by for way in found), found[0]


def test_nothing_is_made_for_a_cluster_before_its_secrets_were_asked_for_and_compared() -> None:
    found = visits("deploy_cluster")
    changing, judging = {"certificates_configure", "gateway_run"}, {"certificates_validate", "gateway_validate"}
    making = [visit for visit in found if visit.role and visit.tags & changing and not visit.tags & judging]
    assert {visit.role for visit in making} >= {"certificates", "gateway", "kubernetes"}
    for first in (
        "ask | Remember what is deployed",
        "check_secrets | Check that this controller has the gateway's secrets",
    ):
        reached = {tag for visit in found if visit.name == first for tag in visit.reached_by}
        assert [visit.name for visit in making if not visit.reached_by <= reached] == []


@pytest.mark.parametrize(
    ("tag", "roles"),
    [
        (
            "engines",
            {
                "llama_rpc",
                "fit",
                "models",
                "openvino_compress",
                "fetcher",
                "otel_collector",
                "llama_cpp",
                "openvino",
                "vllm",
            },
        ),
        ("fetcher", {"llama_rpc", "fit", "models", "fetcher"}),
        ("llama_cpp", {"llama_rpc", "fit", "models", "llama_cpp"}),
        ("vllm_run", {"llama_rpc", "fit", "models", "vllm"}),
        ("openvino_run", {"llama_rpc", "fit", "models", "openvino_compress", "openvino"}),
        ("openvino_compress", {"llama_rpc", "fit", "models", "openvino_compress"}),
        ("models", {"llama_rpc", "fit", "models"}),
        ("frontends", {"fit", "anythingllm", "open_webui"}),
        ("open_webui", {"fit", "open_webui"}),
        ("certificates", {"certificates", "gateway", "kubernetes"}),
        ("gateway", {"certificates", "gateway", "kubernetes"}),
        ("kubernetes", {"certificates", "gateway", "kubernetes"}),
        ("preflight", {"preflight", "gateway"}),
        (
            "verify",
            {
                "llama_rpc",
                "fit",
                "models",
                "openvino_compress",
                "llama_cpp",
                "openvino",
                "vllm",
                "gateway",
                "anythingllm",
                "open_webui",
                "valkey",
                "verify",
                "private_network",
                "shared_address",
                "kubernetes",
            },
        ),
        ("summary", {"anythingllm", "open_webui", "summary"}),
    ],
)
def test_what_a_role_needs_of_an_earlier_one_comes_with_its_tag_and_nothing_else(tag: str, roles: set[str]) -> None:
    # Whatever is asked for, the description is judged and secrets are compared.
    assert {way.role for way in VISITS if tag in way.reached_by and "always" not in way.tags} - {""} == roles


def test_every_play_begins_with_a_task_of_its_own_that_judges_the_description() -> None:
    """So --start-at-task begins there, and never with a description that nobody has judged."""
    plays = [play for play in plays_of("site") if "say what to do next" not in play["name"].lower()]
    names = [task.get("name") for play in plays_of("site") for task in tasks_of(play)]
    for play in plays:
        first = tasks_of(play)[0]
        assert "hearth.llm.check_description" in first
        assert names.count(first["name"]) == 1, first["name"]
        assert "always" in [*first.get("tags", []), *play.get("tags", [])]


def test_the_page_has_each_role_with_its_phases_and_each_start() -> None:
    page = PAGE.read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?|—)+) \|", page, re.MULTILINE))
    expected = {
        role: ", ".join(f"`{role}_{phase}`" for phase in phases(role)) or "—" for role in ROLES if role not in INTERNAL
    }
    assert rows == expected | dict.fromkeys(COMMON - expected.keys(), "—")
    told = re.findall(r"^\| `hearth\.llm\.(\w+)` \| `(.+)` \|", page, re.MULTILINE)
    # One may bring what it needs by another one first.
    assert all(name in [tasks_of(play)[0]["name"] for play in plays_of(stem)] for stem, name in told)
    assert [name for _stem, name in told] == [
        tasks_of(play)[0]["name"] for play in plays_of("site") if "say what to do next" not in play["name"].lower()
    ]
