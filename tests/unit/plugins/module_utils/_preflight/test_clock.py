# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.module_utils._preflight import clock
from ansible_collections.hearth.llm.plugins.module_utils._preflight.wanted import Wanted

MakeHost = Callable[..., Host]


@pytest.mark.parametrize(
    ("ahead", "severity", "words"),
    [(5, "ok", ""), (3600, "error", "seconds ahead of"), (-3600, "error", "seconds behind")],
)
def test_a_clock_far_from_the_controllers_is_an_error(
    make_host: MakeHost, ahead: int, severity: str, words: str
) -> None:
    (finding,) = clock.check_clock(make_host(), Wanted(controller_time=time.time() - ahead))
    assert finding.severity == severity
    assert words in finding.message
    assert finding.data["skew_seconds"] == pytest.approx(ahead, abs=2)


def test_clocks_are_not_compared_with_nothing(make_host: MakeHost) -> None:
    assert not list(clock.check_clock(make_host(), Wanted()))


@pytest.mark.parametrize(
    ("synchronised", "files", "severity"),
    [
        (True, {}, "ok"),
        (False, {}, "warning"),
        (None, {}, "notice"),
        (False, {"/run/systemd/container": "docker\n"}, "ok"),
    ],
)
def test_only_a_machine_of_its_own_has_to_keep_its_clock_right(
    make_host: MakeHost,
    monkeypatch: pytest.MonkeyPatch,
    synchronised: bool | None,
    files: dict[str, str],
    severity: str,
) -> None:
    monkeypatch.setattr(clock, "clock_is_synchronised", lambda: synchronised)
    assert [finding.severity for finding in clock.check_ntp(make_host(**files), Wanted())] == [severity]


def test_the_kernel_tells_whether_its_clock_is_synchronised() -> None:
    assert clock.clock_is_synchronised() in (True, False, None)
