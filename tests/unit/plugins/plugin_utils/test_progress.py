# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress is looked at over a second connection, of whatever kind the task's is."""

from __future__ import annotations

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.hearth.llm.plugins.plugin_utils import _progress


@pytest.mark.parametrize("name", ["ssh", "community.general.wsl"])
def test_a_second_connection_is_made_also_where_the_first_is_of_a_collection(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = connection_loader.get(name, PlayContext(), task_uuid="", ansible_playbook_pid="1")
    first.set_options(var_options={"wsl_distribution": "Ubuntu-24.04"})
    assert _progress.look_at(first, PlayContext(), "/tmp/progress") is not None
    assert "WARNING" not in "".join(capsys.readouterr())
