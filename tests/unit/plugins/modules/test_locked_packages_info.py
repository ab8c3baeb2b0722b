# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the packages whose versions are kept."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.modules.locked_packages_info import run

RPM = "installed\tdocker-ce\t3:28.5-1.el9\tx86_64\ninstalled\tbash\t5.1\tx86_64\n"


def test_where_there_is_no_apt_what_is_installed_is_all_that_is_known() -> None:
    told = run(lambda words: RPM if words[0] == "rpm" else "")
    assert told == {"packages": {"installed": {"docker-ce": "3:28.5-1.el9"}, "candidates": {}}}


def test_a_host_that_has_none_of_them_has_what_it_would_get() -> None:
    policy = "docker.io:\n  Installed: (none)\n  Candidate: 26.1\n  Version table:\n     26.1 500\n"
    told = run(lambda words: policy if words[0] == "apt-cache" else "installed\tbash\t5\tamd64\n")
    assert told == {"packages": {"installed": {}, "candidates": {"docker.io": "26.1"}}}
