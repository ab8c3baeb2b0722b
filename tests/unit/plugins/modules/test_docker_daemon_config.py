# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._daemon_json import merged, without
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.modules.docker_daemon_config import Result, run

Run = Callable[..., Result]
ACCEPTS = "#!/bin/sh\nexit 0\n"
REFUSES = '#!/bin/sh\necho "unable to configure the Docker daemon with file $3: the following directives do not match: x" >&2; exit 1\n'
IS_OLD = "#!/bin/sh\necho 'unknown flag: --validate' >&2; exit 125\n"


@pytest.fixture
def daemon_json(tmp_path: Path) -> Path:
    return tmp_path / "docker/daemon.json"


@pytest.fixture
def configure(tmp_path: Path, daemon_json: Path) -> Run:
    """Runs the module on a file of its own. `answer` is the script that stands in for dockerd."""

    def run_it(settings: dict[str, Any], *, answer: str = "", check_mode: bool = False, **params: Any) -> Result:
        dockerd = tmp_path / "dockerd"
        if answer:
            dockerd.write_text(answer)
            dockerd.chmod(0o755)
        asked = {
            "settings": settings,
            "state": "present",
            "path": str(daemon_json),
            "dockerd": str(dockerd),
            "pid_file": str(tmp_path / "docker.pid"),
        }
        return run({**asked, **params}, check_mode=check_mode)

    return run_it


def given(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


# The examples of RFC 7396, appendix A, that make sense in a file whose top is an object.
@pytest.mark.parametrize(
    ("current", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_settings_are_merged_as_the_standard_says(current: Any, patch: Any, result: Any) -> None:
    assert merged(current, patch) == result


def test_only_what_still_has_our_value_is_taken_away() -> None:
    current = {
        "ip": "127.0.0.1",
        "log-opts": {"max-size": "10m", "env": "X"},
        "live-restore": False,
        "features": {"a": 1},
    }
    ours = {"ip": "127.0.0.1", "log-opts": {"max-size": "10m"}, "live-restore": True, "features": {"a": 1}}
    assert without(current, ours) == {"log-opts": {"env": "X"}, "live-restore": False}


def test_a_new_file_is_for_all_to_read(configure: Run, daemon_json: Path) -> None:
    result = configure({"ip": "127.0.0.1"})
    assert (result.changed, result.restart_needed, result.backup_file) == (True, True, None)
    assert json.loads(daemon_json.read_text()) == {"ip": "127.0.0.1"}
    assert daemon_json.stat().st_mode & 0o777 == 0o644


def test_settings_of_others_stay_and_so_do_order_indentation_and_mode(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, '{\n\t"runtimes": {},\n\t"ip": "0.0.0.0"\n}\n').chmod(0o600)
    result = configure({"ip": "127.0.0.1", "live-restore": True})
    assert daemon_json.read_text() == '{\n\t"runtimes": {},\n\t"ip": "127.0.0.1",\n\t"live-restore": true\n}\n'
    assert daemon_json.stat().st_mode & 0o777 == 0o600
    assert result.backup_file
    assert json.loads(Path(result.backup_file).read_text()) == {"runtimes": {}, "ip": "0.0.0.0"}
    assert list(daemon_json.parent.glob(".daemon-*")) == []


def test_a_second_run_leaves_even_the_formatting_alone(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, '{"ip":   "127.0.0.1", "debug": true}')
    result = configure({"ip": "127.0.0.1"}, answer=REFUSES)
    assert (result.changed, result.restart_needed) == (False, False)
    assert (
        result.diff["before"]
        == result.diff["after"]
        == daemon_json.read_text()
        == '{"ip":   "127.0.0.1", "debug": true}'
    )


def test_check_mode_says_the_same_and_writes_nothing(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, '{"debug": true}\n')
    predicted = configure({"ip": "127.0.0.1"}, check_mode=True)
    assert daemon_json.read_text() == '{"debug": true}\n'
    assert [path.name for path in daemon_json.parent.iterdir()] == ["daemon.json"]
    assert predicted == configure({"ip": "127.0.0.1"})
    assert predicted.diff["after"] == daemon_json.read_text()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_broken_file_is_named_with_line_and_column_and_left_alone(
    configure: Run, daemon_json: Path, check_mode: bool
) -> None:
    broken = '{\n  "debug": true\n  "ip": "127.0.0.1"\n}\n'
    given(daemon_json, broken)
    with pytest.raises(
        InputError, match=r"daemon\.json is not valid JSON: .* in line 3, column 3\. Correct it"
    ) as caught:
        configure({"live-restore": True}, check_mode=check_mode)
    assert caught.value.details == {"line": 3, "column": 3}
    assert daemon_json.read_text() == broken


def test_a_file_that_is_no_object_is_refused(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, "[]")
    with pytest.raises(InputError, match="holds no JSON object"):
        configure({"ip": "127.0.0.1"})


def test_an_empty_file_is_no_settings_as_dockerd_sees_it(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, "\n")
    assert configure({"ip": "127.0.0.1"}).changed


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_dockerd_refuses_is_not_written(configure: Run, daemon_json: Path, check_mode: bool) -> None:
    given(daemon_json, '{"debug": true}')
    with pytest.raises(
        InputError,
        match="refuses the merged settings: unable to configure the Docker daemon: the following directives do not match: x",
    ) as caught:
        configure({"x": 1}, answer=REFUSES, check_mode=check_mode)
    assert "Correct 'settings'" in str(caught.value)
    assert daemon_json.read_text() == '{"debug": true}'


@pytest.mark.parametrize(("answer", "validated"), [(ACCEPTS, True), (IS_OLD, False), ("", False)])
def test_dockerd_is_asked_where_it_can_be_asked(configure: Run, answer: str, validated: bool) -> None:
    result = configure({"ip": "127.0.0.1"}, answer=answer)
    assert (result.changed, result.validated) == (True, validated)


def test_settings_that_the_running_engine_has_not_read_want_a_restart(
    configure: Run, daemon_json: Path, tmp_path: Path
) -> None:
    given(daemon_json, '{"ip": "127.0.0.1"}')
    pid = given(tmp_path / "docker.pid", "4711")
    os.utime(pid, (1, 1))
    assert configure({"ip": "127.0.0.1"}).restart_needed
    os.utime(pid)
    assert not configure({"ip": "127.0.0.1"}).restart_needed


def test_absent_takes_our_settings_out_and_removes_a_file_without_any(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, '{"ip": "127.0.0.1", "debug": true}')
    configure({"ip": "127.0.0.1"}, state="absent")
    assert json.loads(daemon_json.read_text()) == {"debug": True}
    assert configure({"debug": True}, state="absent").changed
    assert not daemon_json.exists()
    assert not configure({"debug": True}, state="absent").changed


def test_a_link_stays_a_link(configure: Run, daemon_json: Path, tmp_path: Path) -> None:
    target = given(tmp_path / "elsewhere/real.json", "{}")
    daemon_json.parent.mkdir()
    daemon_json.symlink_to(target)
    assert configure({"ip": "127.0.0.1"}).config_file == str(target)
    assert daemon_json.is_symlink()
    assert json.loads(target.read_text()) == {"ip": "127.0.0.1"}


def test_a_proxys_password_is_not_shown(configure: Run, daemon_json: Path) -> None:
    given(daemon_json, '{"proxies": {"https-proxy": "http://user:secret@proxy:3128"}}')
    result = configure({"ip": "127.0.0.1"})
    assert "secret" not in str(result)
    assert "http://********@proxy:3128" in result.diff["after"]
    assert "user:secret@" in daemon_json.read_text()


def test_a_directory_in_the_way_is_said_in_words(configure: Run, daemon_json: Path) -> None:
    given(daemon_json.parent, "not a directory")
    with pytest.raises(HearthError, match=r"cannot be read \(Not a directory\): see what lies there"):
        configure({"ip": "127.0.0.1"})
