# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dry run finds that is not as described is written down, host by host, and nothing that tasks hide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import ports
from integration.conftest import Runner

SECRET = "nobody-may-read-this"


def plays(directory: Path, wanted: dict[str, str]) -> list[dict[str, Any]]:
    """A service of files, between the beginning and the end of the report."""

    def report(state: str) -> dict[str, Any]:
        return {
            "hosts": "controller",
            "gather_facts": False,
            "tasks": [
                {"name": state, "hearth.llm.drift_report": {"state": state, "directory": str(directory / "reports")}}
            ],
        }

    def file(path: str, content: str) -> dict[str, str]:
        return {"content": content, "dest": f"{directory}/{{{{ inventory_hostname }}}}/{path}", "mode": "0600"}

    service: dict[str, Any] = {
        "hosts": "all:!controller",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Write the files",
                "ansible.builtin.copy": file("{{ item.path }}", "{{ item.content }}"),
                "loop": [{"path": path, "content": content} for path, content in wanted.items()],
                "loop_control": {"label": "{{ item.path }}"},
                "notify": "Restart it",
            },
            {"name": "Write the key", "ansible.builtin.copy": file("key", SECRET), "no_log": True},
            {
                "name": "Ask it",
                "ansible.builtin.assert": {"that": "inventory_hostname != 'silent'", "fail_msg": "It says\nnothing."},
            },
        ],
        "handlers": [{"name": "Restart it", "ansible.builtin.command": "true", "changed_when": True}],
    }
    return [report("began"), service, report("told")]


def test_each_host_is_told_of_with_what_was_changed_by_hand(playbook: Runner, tmp_path: Path) -> None:
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": ports.free()}
    playbook.hosts({"controller": {}, "same": {}, "edited": {}, "silent": {}, "away <&>": away})
    for host in ("same", "edited", "silent"):
        directory = tmp_path / host
        directory.mkdir()
        for name, content in {"a": "one\ntwo\n", "b": "three\n", "key": SECRET}.items():
            (directory / name).write_text(content)
            (directory / name).chmod(0o600)
    (tmp_path / "edited/a").write_text("one\n2 & <3>\n")
    (tmp_path / "edited/key").write_text("another key")

    wanted = plays(tmp_path, {"a": "one\ntwo\n", "b": "three\n"})
    output = playbook(wanted, "--check", "--diff", succeeds=False).output
    assert "edited is not as described: 2 things would be changed." in output
    assert "- Write the files (a)" in output
    assert "silent could not be looked at wholly: Ask it: It says nothing." in output
    reports = tmp_path / "reports"
    assert sorted(path.name for path in reports.iterdir()) == ["drift.html", "drift.json", "drift.prom"]

    told = json.loads((reports / "drift.json").read_text())["hosts"]
    # The controller, where the report is written, is no host of the service.
    states = {"same": "as described", "edited": "drifted", "silent": "incomplete", "away <&>": "unreachable"}
    assert {host: one["state"] for host, one in told.items()} == states
    files, key = told["edited"]["findings"]
    assert (files["task"], files["item"], files["module"]) == ("Write the files", "a", "ansible.builtin.copy")
    assert files["difference"].splitlines()[-2:] == ["-2 & <3>", "+two"]
    assert key["task"] == "Write the key"

    metrics = (reports / "drift.prom").read_text()
    assert 'hearth_drift_findings{host="edited"} 2\n' in metrics
    assert 'hearth_drift_findings{host="same"} 0\n' in metrics
    assert 'hearth_drift_incomplete{host="away <&>"} 1\n' in metrics
    page = (reports / "drift.html").read_text()
    assert "-2 &amp; &lt;3&gt;" in page
    assert "away &lt;&amp;&gt;" in page
    assert not any(SECRET in path.read_text() or "another key" in path.read_text() for path in reports.iterdir())

    for name, content in {"a": "one\ntwo\n", "key": SECRET}.items():
        (tmp_path / "edited" / name).write_text(content)
    playbook.hosts({"controller": {}, "same": {}, "edited": {}})
    playbook(wanted, "--check", "--diff")
    assert set(json.loads((reports / "drift.json").read_text())["hosts"]) == {"same", "edited"}


@pytest.mark.parametrize(
    ("options", "callbacks", "sentence"),
    [
        ([], "hearth.llm.drift", "run it with --check --diff"),
        (["--check"], "hearth.llm.still_working", "callbacks_enabled"),
    ],
)
def test_a_run_that_would_tell_nothing_is_refused(
    playbook: Runner, tmp_path: Path, options: list[str], callbacks: str, sentence: str
) -> None:
    playbook.hosts({"controller": {}})
    wanted = plays(tmp_path, {"a": "one"})
    assert (
        sentence
        in playbook(wanted, *options, variables={"ANSIBLE_CALLBACKS_ENABLED": callbacks}, succeeds=False).output
    )
    assert not (tmp_path / "reports").exists()
