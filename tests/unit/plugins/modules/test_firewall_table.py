# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils import _nft_table
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._nft_table import NftTable, document
from ansible_collections.hearth.llm.plugins.modules.firewall_table import argument_spec, run

OLD, NEW = "table inet hearth {\n\told\n}\n", "table inet hearth {\n\tnew\n}\n"


class Kernel:
    """What nft, unshare and systemd do, as far as the module sees it."""

    def __init__(self) -> None:
        self.table = ""
        self.timer = False
        self.log: list[str] = []

    def __call__(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        program, words = command[0], " ".join(command)
        if program == "unshare":
            assert data is not None
            body = data.removeprefix(document(""))
            return (1, "", "syntax error") if "wrong" in body else (0, body, "")
        if words == "nft --stateless list table inet hearth":
            return (0, self.table, "") if self.table else (1, "", "No such file or directory")
        self.log.append(program + (" stop" if "stop" in command else ""))
        if words == "nft --file -":
            assert data is not None
            self.table = data.removeprefix(document(""))
        elif program == "systemd-run":
            self.timer = True
        elif words.startswith("systemctl is-active"):
            self.log.pop()
            return (0 if self.timer else 3), "", ""
        elif words.startswith("systemctl stop"):
            self.timer = False
        else:
            raise AssertionError(words)
        return 0, "", ""

    def time_is_up(self) -> None:
        """The watchdog bites."""
        self.timer = False
        self.table = Path(_nft_table.PREVIOUS_PATH).read_text().removeprefix(document(""))


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(_nft_table, "PREVIOUS_PATH", str(tmp_path / "previous.nft"))
    return Kernel()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "firewall.nft"


def bring(kernel: Kernel | None, path: Path, state: str, rules: str | None = NEW, **options: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in argument_spec().items()}
    params = {**defaults, "state": state, "rules": rules, "path": str(path)}
    table = NftTable(kernel, "nft") if kernel else None
    return run({**params, **options}, table, check_mode=options.get("check_mode", False))


def test_the_watchdog_is_armed_before_the_rules_are_loaded_and_disarmed_when_they_are_kept(
    kernel: Kernel, path: Path
) -> None:
    assert bring(kernel, path, "trial")["on_trial"]
    assert kernel.log == ["systemd-run", "nft"]
    assert (kernel.table, kernel.timer, path.exists()) == (NEW, True, False)
    assert bring(kernel, path, "kept")["changed"]
    assert (kernel.timer, path.read_text()) == (False, document(NEW))
    for state in ("trial", "kept"):
        again = bring(kernel, path, state)
        assert (again["changed"], again["on_trial"]) == (False, False)


def test_what_is_tried_gives_way_to_what_is_kept_while_the_watchdog_waits(kernel: Kernel, path: Path) -> None:
    tried = NEW.replace("new", "new, and nothing that is established")
    first = bring(kernel, path, "trial", trial_rules=tried)
    assert (first["on_trial"], kernel.table, first["diff"]["after"]) == (True, tried, NEW)
    kernel.log.clear()
    assert bring(kernel, path, "kept", trial_rules=tried)["changed"]
    assert (kernel.log, kernel.table, path.read_text()) == (["nft", "systemctl stop"], NEW, document(NEW))
    assert not bring(kernel, path, "trial", trial_rules=tried)["on_trial"]
    # One that was cut off on trial is gone on with.
    kernel.table = OLD
    bring(kernel, path, "trial", trial_rules=tried)
    again = bring(kernel, path, "trial", trial_rules=tried)
    assert (again["changed"], again["on_trial"], kernel.table) == (False, True, tried)
    kernel.time_is_up()
    with pytest.raises(HearthError, match="the watchdog has put back those from before"):
        bring(kernel, path, "kept", trial_rules=tried)


def test_a_dry_run_says_the_same_and_does_nothing(kernel: Kernel, path: Path) -> None:
    kernel.table = OLD
    outcome = bring(kernel, path, "trial", check_mode=True)
    assert (outcome["changed"], outcome["on_trial"]) == (True, True)
    assert outcome["diff"] == {"before": OLD, "after": NEW}
    assert bring(kernel, path, "kept", check_mode=True)["changed"]
    assert bring(kernel, path, "absent", check_mode=True)["changed"]
    assert (kernel.table, kernel.log, path.exists()) == (OLD, [], False)


def test_a_dry_run_on_a_host_without_nft_shows_the_rules(path: Path) -> None:
    assert bring(None, path, "trial", check_mode=True)["diff"] == {"before": "", "after": NEW}


def test_rules_that_nft_refuses_change_nothing(kernel: Kernel, path: Path) -> None:
    with pytest.raises(InputError, match="nothing was changed"):
        bring(kernel, path, "trial", "wrong")
    assert kernel.log == []


def test_rules_that_the_watchdog_took_back_are_not_kept(kernel: Kernel, path: Path) -> None:
    kernel.table = OLD
    bring(kernel, path, "trial")
    kernel.time_is_up()
    assert kernel.table == OLD
    with pytest.raises(HearthError, match="the watchdog has put back those from before"):
        bring(kernel, path, "kept")
    assert not path.exists()


def test_a_run_that_was_cut_off_on_trial_is_gone_on_with_and_what_was_good_before_it_stays_known(
    kernel: Kernel, path: Path
) -> None:
    kernel.table = OLD
    bring(kernel, path, "trial")
    again = bring(kernel, path, "trial")
    assert (again["changed"], again["on_trial"], kernel.timer) == (False, True, True)
    kernel.time_is_up()
    assert kernel.table == OLD


def test_a_rule_that_was_put_in_by_hand_is_taken_out(kernel: Kernel, path: Path) -> None:
    bring(kernel, path, "trial")
    bring(kernel, path, "kept")
    kernel.table = NEW.replace("new", "new\n\taccept")
    assert bring(kernel, path, "trial")["changed"]
    assert kernel.table == NEW


def test_absent_removes_table_file_and_watchdog(kernel: Kernel, path: Path) -> None:
    bring(kernel, path, "trial")
    bring(kernel, path, "kept")
    bring(kernel, path, "trial", OLD)
    assert bring(kernel, path, "absent", None)["changed"]
    assert (kernel.table, kernel.timer, path.exists()) == ("", False, False)
    assert not bring(kernel, path, "absent", None)["changed"]


def test_a_watchdog_that_leaves_no_time_is_refused(kernel: Kernel, path: Path) -> None:
    with pytest.raises(InputError, match="at least 20"):
        bring(kernel, path, "trial", watchdog_seconds=5)
