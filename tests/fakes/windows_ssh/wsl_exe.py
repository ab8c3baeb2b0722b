# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How wsl.exe reads its command line: by blanks, without any regard for quotes, until the command for Linux begins."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.windows_ssh.errors import UnknownError

# What it is told beside a command for Linux: the long word, and the others for it.
QUESTIONS = {"--list": ("-l",), "--status": (), "--version": ("-v",), "--shutdown": (), "--terminate": ("-t",)}
WORDS = {"-d": "--distribution", "-u": "--user", "-e": "--exec"} | {
    short: long for long, others in QUESTIONS.items() for short in others
}
WITH_VALUE = ("--distribution", "--user", "--cd", "--shell-type")


@dataclass(frozen=True)
class Asked:
    """What wsl.exe is to do; without a question it is a command for Linux."""

    distribution: str = ""
    user: str = ""
    directory: str = ""
    question: str = ""
    # What stands behind the question, or the command for Linux as it was written.
    rest: str = ""
    # By the user's shell, or word by word.
    shell: bool = True


class InvalidError(Exception):
    """wsl.exe refuses it, with these words on its standard output."""


def read(arguments: str) -> Asked:
    given: dict[str, str] = {}
    rest = arguments.lstrip()
    shell = True
    while rest:
        written, rest_of_it = _first(rest)
        word = WORDS.get(written, written)
        if word in QUESTIONS:
            return Asked(given.get("--distribution", ""), question=word, rest=rest_of_it)
        if word in ("--", "--exec"):
            shell, rest = shell and word == "--", rest_of_it
            break
        if word not in WITH_VALUE:
            if written.startswith("-"):
                raise UnknownError(f"wsl.exe {written} is not known here: {arguments!r}")
            break
        value, rest = _first(rest_of_it)
        if not value:
            raise InvalidError(f"Command line argument {word} requires a value.")
        if word == "--shell-type":
            if value not in ("standard", "none"):
                raise UnknownError(f"wsl.exe --shell-type {value} is not known here")
            shell = value == "standard"
        elif word == "--distribution" and word in given:
            raise UnknownError("two distributions")
        given[word] = value
    if not rest:
        raise UnknownError("a shell that asks is not offered here")
    return Asked(
        given.get("--distribution", ""), given.get("--user", ""), given.get("--cd", ""), rest=rest, shell=shell
    )


def _first(text: str) -> tuple[str, str]:
    """The first word, and what follows after blanks."""
    word = text.split(None, 1)[0] if text.strip() else ""
    return word, text[len(word) :].lstrip(" \t")


def words(line: str) -> list[str]:
    """CommandLineToArgvW, for a line that does not begin with the name of a program."""
    found: list[str] = []
    word, inside, begun, at = "", False, False, 0
    while at < len(line):
        backslashes = len(line) - at - len(line[at:].lstrip("\\"))
        quote = line[at + backslashes : at + backslashes + 1] == '"'
        if backslashes:
            # Before a quote two are one; anywhere else each is itself.
            word += "\\" * (backslashes // 2 if quote else backslashes)
            begun = True
            at += backslashes
            if quote and backslashes % 2:
                word += '"'
                at += 1
            continue
        if quote:
            begun = True
            if inside and line[at + 1 : at + 2] == '"':
                word += '"'
                at += 1
            else:
                inside = not inside
        elif line[at] in " \t" and not inside:
            if begun:
                found.append(word)
            word, begun = "", False
        else:
            word, begun = word + line[at], True
        at += 1
    return [*found, word] if begun else found
