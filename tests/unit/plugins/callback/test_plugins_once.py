# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's templates name is loaded by the process that all tasks come from, and what is wrong with it is no matter there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.hearth.llm.plugins.callback.plugins_once import named

ROOT = Path(__file__).parents[4]
FILTER = """
import os
print("loaded in", os.getpid(), file=open({told!r}, "a"))
class FilterModule:
    def filters(self):
        return {{"shout": str.upper}}
"""


def test_filters_and_lookups_of_collections_are_found_wherever_a_role_names_them(tmp_path: Path) -> None:
    for path, text in {
        "tasks/main.yml": "msg: \"{{ a | default('') |hearth.llm.pick(1) }} {{ lookup('hearth.llm.secret', 'x') }}\"",
        "templates/deep/a.j2": '{{ query( "community.x.y", 1) }} {% if b | ansible.utils.ipaddr %}{% endif %}',
        "vars/main.yml": "module: hearth.llm.model",
        "README.md": "{{ a | hearth.llm.told_only }}",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "vars/picture.png").write_bytes(b"\xff\xfe|")
    assert named(tmp_path) == ({"hearth.llm.pick", "ansible.utils.ipaddr"}, {"hearth.llm.secret", "community.x.y"})


def run(tmp_path: Path, callbacks: str) -> set[str]:
    """The processes that load a filter which three tasks of a role use, beside one that nobody has."""
    told = tmp_path / f"told-{callbacks}"
    filters = tmp_path / "collections/ansible_collections/house/own/plugins/filter"
    tasks = tmp_path / "roles/loud/tasks"
    for directory in (filters, tasks):
        directory.mkdir(parents=True, exist_ok=True)
    (filters / "shout.py").write_text(FILTER.format(told=str(told)))
    task = {"name": "Say", "ansible.builtin.debug": {"msg": "{{ 'a' | house.own.shout }}"}}
    never = {"name": "Never", "when": False, "ansible.builtin.debug": {"msg": "{{ 'a' | house.own.nothing }}"}}
    (tasks / "main.yml").write_text(json.dumps([task, task, task, never]))
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"name": "Play", "hosts": "localhost", "gather_facts": False, "roles": ["loud"]}]))
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": callbacks,
        "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.collections'}:{tmp_path / 'collections'}",
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_ROLES_PATH": str(tmp_path / "roles"),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", "localhost,", "-c", "local", str(play)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"msg": "A"') == 3
    assert "[WARNING]" not in done.stdout + done.stderr
    return set(told.read_text().split("\n")) - {""}


def test_a_filter_of_a_role_is_loaded_once_a_run_and_not_once_a_task(tmp_path: Path) -> None:
    assert len(run(tmp_path, "hearth.llm.still_working")) == 3
    assert len(run(tmp_path, "hearth.llm.plugins_once")) == 1
