# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is left out for as long as a run is at work on it, and its own requests are waited for."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.modules import gateway_host

FIGURES = """
haproxy_server_current_sessions{proxy="chat",server="gpu1"} 2
haproxy_server_current_sessions{proxy="chat",server="gpu1.2"} 1
haproxy_server_current_sessions{proxy="chat",server="gpu10"} 7
haproxy_server_current_sessions{proxy="alone",server="gpu1"} 5
haproxy_server_current_sessions{proxy="look:engines",server="gpu1"} 3
haproxy_server_status{proxy="chat",server="gpu1",state="DOWN"} 0
haproxy_server_status{proxy="chat",server="gpu1",state="MAINT"} 1
haproxy_server_status{proxy="chat",server="gpu1.2",state="MAINT"} 1
haproxy_server_status{proxy="chat",server="gpu10",state="UP"} 1
haproxy_server_status{proxy="alone",server="gpu1",state="UP"} 1
haproxy_server_status{proxy="look:engines",server="gpu1",state="UP"} 1
"""
RESTS = FIGURES.replace('server="gpu1"} 2', 'server="gpu1"} 0').replace('server="gpu1.2"} 1', 'server="gpu1.2"} 0')
# The gateway has nobody else.
STAYS = RESTS.replace('"MAINT"} 1', '"MAINT"} 0').replace('"DOWN"} 0', '"UP"} 1')


def test_what_no_other_host_serves_is_not_waited_for() -> None:
    assert gateway_host.Servers(FIGURES, "gpu1").awaited == 3
    assert gateway_host.Servers(FIGURES, "gpu2").awaited == gateway_host.Servers("", "gpu1").awaited == 0
    assert gateway_host.Servers(RESTS, "gpu1").awaited == 0
    assert gateway_host.Servers(STAYS, "gpu1").awaited == 1


def run(directory: Path, state: str, *, check_mode: bool = False, timeout: int = 5) -> dict[str, object]:
    params = {
        "directory": str(directory),
        "host": "gpu1",
        "metrics_url": "http://x/metrics",
        "timeout": timeout,
        "models": ["chat", "alone", "new"],
        "state": state,
    }
    return gateway_host.run(params, check_mode=check_mode)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the gateway says, one after the other; the last for ever. Each look takes two seconds."""
    said: list[str] = []
    moments = iter(range(0, 1000, 2))
    monkeypatch.setattr(gateway_host, "figures", lambda _url: said.pop(0) if len(said) > 1 else said[0])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(moments)))
    return said


def test_it_is_left_out_until_it_is_taken_again(tmp_path: Path, told: list[str]) -> None:
    told += [STAYS, FIGURES, RESTS]
    assert run(tmp_path, "left", check_mode=True)["requests"] == 0
    assert not list(tmp_path.iterdir())
    assert (run(tmp_path, "left", timeout=50)["requests"], told) == (0, [RESTS])
    assert stat.S_IMODE((tmp_path / "gpu1").stat().st_mode) == 0o644
    # A run that is killed leaves nobody out for ever.
    assert 3000 < int((tmp_path / "gpu1").read_text()) - time.time() < 4000
    run(tmp_path, "taken")
    run(tmp_path, "taken")
    assert not list(tmp_path.iterdir())


def test_what_takes_too_long_is_told(tmp_path: Path, told: list[str]) -> None:
    told.append(FIGURES)
    assert run(tmp_path, "left")["requests"] == 3
    assert run(tmp_path, "left", timeout=0)["requests"] == 0


def test_it_is_waited_for_until_it_may_have_requests_again(tmp_path: Path, told: list[str]) -> None:
    told += [RESTS, RESTS, STAYS]
    run(tmp_path, "left", timeout=0)
    run(tmp_path, "used", timeout=50)
    assert (list(tmp_path.iterdir()), told) == ([], [STAYS])


def test_one_that_is_not_fit_again_ends_the_run(tmp_path: Path, told: list[str]) -> None:
    told.append(RESTS)
    with pytest.raises(
        HearthError,
        match=r"^The gateway sends gpu1 no requests for chat, 5 seconds after it was changed: .*leaving_seconds=0\.$",
    ):
        run(tmp_path, "used")
    run(tmp_path, "used", timeout=0)
    told[0] = ""
    run(tmp_path, "used")


def test_a_gateway_that_shares_nothing_out_is_left_alone(tmp_path: Path) -> None:
    assert run(tmp_path / "none", "left")["requests"] == 0
