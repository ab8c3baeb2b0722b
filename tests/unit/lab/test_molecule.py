# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from lab.molecule import find_faults

STEP = "\x1b[36mINFO    \x1b[0m \x1b[32mdefault\x1b[0m ➜ \x1b[33m{}\x1b[0m: \x1b[36mExecuting\x1b[0m\n"
RECAP = "\x1b[33mhearth\x1b[0m   : \x1b[32mok=54  \x1b[0m \x1b[33mchanged={}   \x1b[0m unreachable=0    failed=0\n"


def test_a_warning_of_ansibles_is_a_fault_and_is_said_with_its_step() -> None:
    lines = [STEP.format("converge"), "\x1b[1;35m[DEPRECATION WARNING]: an old way. \x1b[0m\n", "[WARNING]: beware\n"]
    assert list(find_faults(lines)) == ["converge: [DEPRECATION WARNING]: an old way.", "converge: [WARNING]: beware"]


def test_changes_may_be_announced_before_the_work_is_done_and_not_after() -> None:
    before = [STEP.format("check"), RECAP.format(8), STEP.format("converge"), RECAP.format(16)]
    after = [STEP.format("idempotence"), RECAP.format(0), STEP.format("check"), RECAP.format(2)]
    assert list(find_faults([*before, *after[:3], RECAP.format(0)])) == []
    assert len(list(find_faults([*before, *after]))) == 1
