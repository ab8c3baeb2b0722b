# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is left out for as long as a run is at work on it, and its own requests are waited for."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
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
haproxy_server_status{proxy="chat",server="gpu10",state="MAINT"} 1
haproxy_server_status{proxy="alone",server="gpu1",state="MAINT"} 0
haproxy_server_status{proxy="look:engines",server="gpu1",state="MAINT"} 1
"""


def test_what_no_other_host_serves_is_not_waited_for() -> None:
    assert gateway_host.requests(FIGURES, "gpu1") == 3
    assert gateway_host.requests(FIGURES, "gpu2") == gateway_host.requests("", "gpu1") == 0


def run(directory: Path, state: str, *, check_mode: bool = False) -> dict[str, object]:
    params = {
        "directory": str(directory),
        "host": "gpu1",
        "metrics_url": "http://x/metrics",
        "timeout": 5,
        "state": state,
    }
    return gateway_host.run(params, check_mode=check_mode)


def test_it_is_left_out_until_it_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [FIGURES, FIGURES, ""]
    monkeypatch.setattr(gateway_host, "figures", lambda _url: told.pop(0))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    assert run(tmp_path, "left", check_mode=True)["requests"] == 0
    assert not list(tmp_path.iterdir())
    assert (run(tmp_path, "left")["requests"], told) == (0, [])
    assert stat.S_IMODE((tmp_path / "gpu1").stat().st_mode) == 0o644
    run(tmp_path, "taken")
    run(tmp_path, "taken")
    assert not list(tmp_path.iterdir())


def test_what_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 100, 2))
    monkeypatch.setattr(gateway_host, "figures", lambda _url: FIGURES)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(moments)))
    assert run(tmp_path, "left")["requests"] == 3


def test_a_gateway_that_shares_nothing_out_is_left_alone(tmp_path: Path) -> None:
    assert run(tmp_path / "none", "left")["requests"] == 0
