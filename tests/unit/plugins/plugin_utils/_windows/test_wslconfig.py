# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our lines in files that somebody else has written, and everything of his as it was."""

from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._windows.wslconfig import MARK, merge, value_of

WANTED = {
    ("wsl2", "networkingMode"): "mirrored",
    ("wsl2", "memory"): "49152MB",
    ("general", "instanceIdleTimeout"): "-1",
}
OTHERS = [
    "",
    "# nothing but a comment\r\n",
    "[wsl2]\r\nswap=0\r\n\r\n[experimental]\r\nautoMemoryReclaim=gradual\r\n",
    "\ufeff[WSL2]\nProcessors = 8\n# memory=8GB\n",
    "[general]\n\n\n[user]\ndefault=jörg",
    "swap=0\nno section, and no sense\n[wsl2\n",
    '[wsl2] # mine\nkernelCommandLine="a#b" # memory=8GB\n',
]


@pytest.mark.parametrize("text", OTHERS)
def test_lines_of_others_stay_ours_come_once_and_go_again(text: str) -> None:
    merged = merge(text, WANTED, newline="\r\n")
    assert merged.conflicts == ()
    assert merged.written == ("networkingMode=mirrored", "memory=49152MB", "instanceIdleTimeout=-1")
    theirs = [line for line in text.lstrip("\ufeff").splitlines() if line]
    assert [line for line in merged.text.splitlines() if line in theirs and line] == theirs
    assert merged.text.count(MARK) == len(WANTED)
    again = merge(merged.text, WANTED, newline="\r\n")
    assert (again.text, again.written, again.gone) == (merged.text, (), ())
    gone = merge(merged.text, {}, newline="\r\n")
    # A section that was empty before says nothing.
    assert [line for line in gone.text.splitlines() if line] == [line for line in theirs if line != "[general]"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_end_as_they_did_before(newline: str) -> None:
    merged = merge(f"[wsl2]{newline}swap=0{newline}", WANTED, newline="\r\n")
    assert merged.text.replace(newline, "").isprintable()


@pytest.mark.parametrize(
    ("written", "section"),
    list(
        product(
            ["memory=8GB", "MEMORY = 8GB", 'memory="8GB"', "memory=8GB # not 48GB"], ["[wsl2]", "[WSL2]", "[wsl2] # x"]
        )
    ),
)
def test_what_somebody_else_has_said_otherwise_is_named_with_its_line_and_nothing_is_written(
    written: str, section: str
) -> None:
    # Of a key that comes twice WSL takes the first, so that what comes after it, of ours or of others, makes nothing good.
    text = f"# mine\n{section}\n{written}\nmemory=48GB\n{MARK}\nmemory=49152MB\n"
    merged = merge(text, WANTED, newline="\r\n")
    assert merged.text == text
    assert merged.conflicts == (f"line 3 is '{written}', and [wsl2] memory=49152MB is needed",)


@pytest.mark.parametrize("written", ["memory=48GB", "memory = 48gb", "memory=48G # enough", "memory=50331648KB"])
def test_the_same_size_in_other_words_is_the_same(written: str) -> None:
    merged = merge(f"[wsl2]\n{written}\n", {("wsl2", "memory"): "49152MB"}, newline="\n")
    assert (merged.conflicts, merged.written) == ((), ())


def test_a_line_of_ours_follows_what_is_wished() -> None:
    before = merge("[wsl2]\nswap=0\n", WANTED, newline="\n").text
    later = merge(before, {("wsl2", "memory"): "1024MB"}, newline="\n")
    assert later.text == f"[wsl2]\nswap=0\n{MARK}\nmemory=1024MB\n\n[general]\n"
    assert later.gone == ("networkingMode=mirrored", "instanceIdleTimeout=-1")


def test_whose_value_it_is_and_where_it_stood_formerly() -> None:
    assert value_of("[experimental]\nnetworkingMode=NAT\n", "wsl2", "networkingMode") == "NAT"
    assert value_of(merge("", WANTED, newline="\n").text, "wsl2", "networkingMode") == ""
    assert merge("[experimental]\nnetworkingMode=nat\n", WANTED, newline="\n").conflicts == (
        "line 2 is 'networkingMode=nat', and [wsl2] networkingMode=mirrored is needed",
    )
