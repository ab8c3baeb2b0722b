# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the default shell of Windows' OpenSSH makes of a command, until a program is started with its command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fakes.windows_ssh.errors import UnknownError

CMD, POWERSHELL = "cmd", "powershell"
# The longest command that cmd.exe takes.
LONGEST = 8191
SPECIAL = "&|<>^"
SET = re.compile(r'\s*set\s+(?P<name>\w+)=(?P<value>[^&|<>^"%]*)&&(?P<rest>.*)', re.IGNORECASE | re.DOTALL)
# What PowerShell reads otherwise than the program that it starts; a blank, a slash and a dash are the same to both.
POWERSHELL_READS = re.compile(r"[^\w\s./:=\\-]")
STOP_PARSING = "--%"


@dataclass(frozen=True)
class Started:
    """A program, everything that stands behind its name as it stands there, and the variables that it finds."""

    program: str
    arguments: str
    variables: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The shell itself ends, with words of its own on its standard error."""


def start(shell: str, command: str, variables: Mapping[str, str]) -> Started:
    """`variables` are those that the user has in Windows."""
    return _cmd(command, dict(variables)) if shell == CMD else _powershell(command, variables)


def _cmd(command: str, variables: dict[str, str]) -> Started:
    r"""sshd starts `cmd.exe /c "<command>"`, and cmd.exe takes exactly these two quotes away again."""
    if len(command) > LONGEST:
        raise RefusedError("The command line is too long.")
    if "\n" in command or "\r" in command:
        raise UnknownError(f"cmd.exe goes no further than the first line of {command!r}")
    if found := SET.fullmatch(command):
        # The blank before && belongs to the value.
        variables[found["name"].upper()] = found["value"]
        command = found["rest"].lstrip()
    command = re.sub(r"%(\w+)%", lambda name: variables.get(name[1].upper(), name[0]), command)
    # A backslash before a quote means nothing to cmd.exe.
    for number, part in enumerate(command.split('"')):
        if number % 2 == 0 and (special := next((letter for letter in part if letter in SPECIAL), "")):
            raise UnknownError(
                f"cmd.exe does not hand on {special}, which stands outside of quotes as it counts them: {command!r}"
            )
    program, _blank, arguments = command.partition(" ")
    return Started(program, arguments, variables)


def _powershell(command: str, variables: Mapping[str, str]) -> Started:
    program, _blank, arguments = command.partition(" ")
    words = arguments.lstrip()
    if words.startswith(STOP_PARSING):
        return Started(program, words.removeprefix(STOP_PARSING).lstrip(), variables)
    if found := POWERSHELL_READS.search(arguments):
        raise RefusedError(
            f"At line:1 char:{found.start() + 1}\r\n    + CategoryInfo          : ParserError: (:) [], "
            "ParentContainsErrorRecordException"
        )
    return Started(program, arguments, variables)
