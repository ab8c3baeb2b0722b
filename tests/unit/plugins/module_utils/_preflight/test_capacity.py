# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._preflight import capacity
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Space, Wanted

GIB = 1 << 30
MakeHost = Callable[..., Host]


@pytest.fixture
def free_ten_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    system = SimpleNamespace(f_bavail=10 * GIB // 4096, f_frsize=4096, f_flag=0, f_files=1000000, f_favail=500000)
    monkeypatch.setattr(os, "statvfs", lambda _path: system)


@pytest.mark.usefixtures("free_ten_gib")
def test_what_lies_on_one_file_system_shares_its_space(make_host: MakeHost) -> None:
    spaces = (Space("/var/lib/hearth", 7 * GIB), Space("/var/lib/docker", 7 * GIB))
    (finding,) = capacity.check_disk(make_host(), Wanted(disk=spaces))
    assert finding.severity == "error"
    assert "/var/lib/hearth and /var/lib/docker wants 14.0 GiB and has 10.0 GiB free: free 4.0 GiB" in finding.message


@pytest.mark.usefixtures("free_ten_gib")
def test_what_we_have_fetched_already_is_not_wanted_again(make_host: MakeHost, tmp_path: Path) -> None:
    wanted = Wanted(disk=(Space("/var/lib/hearth", 10 * GIB + 8192),))
    assert [finding.severity for finding in capacity.check_disk(make_host(), wanted)] == ["error"]
    model = tmp_path / "var/lib/hearth/models/tiny/tiny.gguf"
    model.parent.mkdir(parents=True)
    model.write_bytes(os.urandom(8192))
    (finding,) = capacity.check_disk(make_host(), wanted)
    assert (finding.severity, finding.data["held_bytes"]) == ("ok", 8192)


def test_memory_is_judged_by_what_there_is_not_by_what_our_own_services_left(make_host: MakeHost) -> None:
    host = make_host()
    severities = {
        wanted: next(capacity.check_memory(host, Wanted(memory_bytes=wanted * 10**9))).severity
        for wanted in (8, 16, 17)
    }
    assert severities == {8: "ok", 16: "notice", 17: "error"}


def test_what_windows_lends_is_raised_in_windows(make_host: MakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    host = make_host(**{"/proc/sys/kernel/osrelease": "6.6.87.2-microsoft-standard-WSL2\n"})
    (memory,) = capacity.check_memory(host, Wanted(memory_bytes=17 * 10**9))
    (cpu,) = capacity.check_cpu(host, Wanted(cpu_cores=4, cpu_flags={os.uname().machine: []}))
    assert "raise memory in .wslconfig" in memory.message
    assert "processors=4 in .wslconfig" in cpu.message


@pytest.mark.parametrize("limit", ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"])
def test_a_container_has_no_more_memory_than_its_limit(make_host: MakeHost, limit: str) -> None:
    (finding,) = capacity.check_memory(make_host(**{limit: f"{2 * GIB}\n"}), Wanted(memory_bytes=3 * GIB))
    assert (finding.severity, finding.data["total_bytes"]) == ("error", 2 * GIB)


def test_a_processor_without_the_wanted_flags_is_slow_and_an_unknown_one_of_no_use(make_host: MakeHost) -> None:
    machine = os.uname().machine
    (slow,) = capacity.check_cpu(make_host(), Wanted(cpu_flags={machine: ["avx2", "avx512f"]}))
    (unknown,) = capacity.check_cpu(make_host(), Wanted(cpu_flags={"z80": []}))
    assert (slow.severity, slow.data["missing"]) == ("warning", ["avx512f"])
    assert (unknown.severity, "z80" in unknown.message) == ("error", True)


def test_a_quota_takes_processors_away(make_host: MakeHost) -> None:
    assert capacity.usable_cores(make_host(**{"/sys/fs/cgroup/cpu.max": "100000 100000\n"})) == 1
