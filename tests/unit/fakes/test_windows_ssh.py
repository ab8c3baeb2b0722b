# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for a Windows PC keeps what was read of the real one, and guesses nothing."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes.windows_ssh import Distribution, Here, UnknownError, WindowsPc, shells, wsl_exe
from fakes.windows_ssh.pc import FAILED, Running, Said

NAME = "Ubuntu-24.04"


@pytest.fixture
def pc(tmp_path: Path) -> WindowsPc:
    return WindowsPc([Distribution(NAME, Here(tmp_path))])


def run(pc: WindowsPc, command: str) -> tuple[int, bytes, bytes]:
    answer = pc.execute(command)
    if isinstance(answer, Said):
        return answer.status, answer.out, answer.error
    assert isinstance(answer, Running)
    out, error = answer.process.communicate()
    pc.let_go(answer.distribution)
    return answer.process.returncode, out, error


@pytest.mark.parametrize(
    "words",
    [
        ["a b", "", 'say "hi"', "back\\slash", "end\\"],
        ['\\"', '\\\\" x', "a\\\\b c\\", "\t"],
        ["sh", "-c", "echo 'it''s' && echo \"$HOME\" | cat > /x"],
    ],
)
def test_words_are_read_as_pythons_own_library_writes_them_for_windows(words: Sequence[str]) -> None:
    assert wsl_exe.words(subprocess.list2cmdline(words)) == words


def test_what_cmd_would_not_hand_on_is_refused() -> None:
    assert shells.start("cmd", 'wsl.exe -- sh -c "a && b > c"', {}).arguments == '-- sh -c "a && b > c"'
    for command in ("wsl.exe -- a && b", 'wsl.exe -- sh -c "say \\"a & b\\""', "wsl.exe -- a\nb"):
        with pytest.raises(UnknownError):
            shells.start("cmd", command, {})
    with pytest.raises(shells.RefusedError, match="too long"):
        shells.start("cmd", "wsl.exe -- echo " + "x" * 8192, {})


def test_variables_of_windows_stand_in_their_place_also_within_quotes() -> None:
    command = 'wsl.exe -- printf "%s %USERNAME% %NOBODY%"'
    assert shells.start("cmd", command, {"USERNAME": "max"}).arguments == '-- printf "%s max %NOBODY%"'


def test_powershell_hands_on_what_stands_behind_its_mark_and_chokes_on_the_rest(pc: WindowsPc) -> None:
    pc.shell = "powershell"
    status, _out, error = run(pc, f'wsl.exe -d {NAME} -- sh -c "echo a && echo b"')
    assert (status, b"ParserError" in error) == (1, True)
    assert run(pc, f'wsl.exe --% -d {NAME} -- sh -c "echo a && echo b"')[1] == b"a\nb\n"


def test_the_rest_is_for_the_users_shell_and_exec_is_not(pc: WindowsPc, tmp_path: Path) -> None:
    assert run(pc, f'wsl.exe -d {NAME} -- printf "%s|" "$HOME" "`echo b`"')[1] == f"{tmp_path}|b|".encode()
    assert run(pc, f'wsl.exe -d {NAME} --exec printf "%s|" "$HOME" "`echo b`"')[1] == b"$HOME|`echo b`|"
    assert run(pc, f'wsl.exe -d {NAME} -- sh -c "exit 7"')[0] == 7


@pytest.mark.parametrize(
    ("before", "encoding"),
    [("", "utf-16-le"), ("set WSL_UTF8=1&& ", "utf-8"), ("set WSL_UTF8=1 && ", "utf-16-le")],
)
def test_wsl_speaks_utf_16_unless_it_is_told_otherwise_to_the_letter(pc: WindowsPc, before: str, encoding: str) -> None:
    table = "  NAME            STATE           VERSION\r\n* Ubuntu-24.04    Stopped         2\r\n"
    assert run(pc, f"{before}wsl.exe --list --verbose") == (0, table.encode(encoding), b"")
    status, out, _error = run(pc, f"{before}wsl.exe -d Nobody -- true")
    assert (status, "WSL_E_DISTRO_NOT_FOUND" in out.decode(encoding)) == (FAILED, True)


def test_a_distribution_starts_when_it_is_needed_and_ends_when_it_is_told_or_idle(pc: WindowsPc) -> None:
    (ubuntu,) = pc.distributions
    for command in ("--shutdown", f"--terminate {NAME}", "--status"):
        run(pc, f"wsl.exe {command}")
        before = ubuntu.starts
        run(pc, f"wsl.exe -d {NAME.upper()} -u root -- true")
        run(pc, f"wsl.exe -d {NAME} -- true")
        assert ubuntu.starts == before + (command != "--status")
    pc.idle_seconds = 0.01
    time.sleep(0.02)
    run(pc, f"wsl.exe -d {NAME} -- true")
    assert ubuntu.starts == 3


def test_what_is_not_known_is_said_and_kept(pc: WindowsPc) -> None:
    for command in ("powershell.exe -EncodedCommand AAAA", f"wsl.exe --manage {NAME} --move D:", "wsl.exe", "dir"):
        status, _out, error = run(pc, command)
        assert (status, b"does not know" in error) == (FAILED, True)
    assert len(pc.unknown) == 4
    pc.has_wsl = False
    assert run(pc, "wsl.exe -- true")[2].startswith(b"'wsl.exe' is not recognized")


def test_a_user_that_linux_does_not_have_is_an_error_of_wsl(pc: WindowsPc) -> None:
    status, out, error = run(pc, f"wsl.exe -d {NAME} -u nobody-here -- true")
    assert (status, error) == (FAILED, b"getpwnam(nobody-here) failed 0\n")
    assert "WSL_E_USER_NOT_FOUND" in out.decode("utf-16-le")
