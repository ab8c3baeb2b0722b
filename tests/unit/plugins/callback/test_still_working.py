# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PLUGIN = ROOT / "plugins/callback/still_working.py"


def told(notes: list[dict[str, str]], until: str) -> str:
    """What the process writes after these notes, until a line says `until`; then Ansible ends."""
    with subprocess.Popen(
        [sys.executable, PLUGIN, "0.1"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.writelines(json.dumps(note) + "\n" for note in notes)
        process.stdin.flush()
        lines = []
        for line in process.stderr:
            lines.append(line)
            if until in line:
                break
        process.stdin.close()
        assert process.wait(10) == 0
    return "".join(lines)


def test_what_takes_long_is_named_with_its_hosts_and_what_has_ended_is_not() -> None:
    hosts = [{"host": f"host-{number}", "task": "Install the driver"} for number in range(5)]
    ended = [{"host": "host-0"}, {"host": "gone", "task": "Look at it"}, {"host": "gone"}]
    said = told([*hosts, *ended], "Install the driver")
    assert "Install the driver (host-1, host-2, host-3 and 1 more)" in said
    assert "host-0" not in said
    assert "gone" not in said


@pytest.mark.parametrize(("seconds", "expected"), [("0.5", True), ("0", False)])
def test_a_playbook_of_a_clone_says_that_it_moves(seconds: str, expected: bool, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    # It ends as soon as the line was written, and after ten seconds without one.
    said = tmp_path / "said"
    limit = 100 if expected else 15
    waiting = f"for i in $(seq {limit}); do grep -q 'Pull the image' {said} && exit; sleep 0.1; done"
    play.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "tasks": [
                        {
                            "name": "Pull the image",
                            "ansible.builtin.shell": waiting,
                            "vars": {
                                "ansible_connection": "local",
                                "ansible_python_interpreter": sys.executable,
                            },
                        }
                    ],
                }
            ]
        )
    )
    with said.open("w") as errors:
        subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", play],
            cwd=ROOT,
            env={**os.environ, "HEARTH_STILL_WORKING_SECONDS": seconds, "ANSIBLE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=errors,
            check=True,
        )
    assert ("Pull the image (localhost)" in said.read_text()) is expected
