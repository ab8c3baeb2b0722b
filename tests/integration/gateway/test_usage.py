# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, counted by key, user and model, whatever clients ask for and however HAProxy ends, and limited."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import signal
import time
from os import kill
from pathlib import Path
from typing import Any

import openai
import pytest
from fakes.engine import WORDS, Engine, usage
from integration.gateway.description import LIMITED_KEY, MESSAGES, Gateway, eventually

FEW, BOSS, CHAT = "sk-0123456789-few-", "sk-0123456789-boss", "sk-0123456789-chat"
COUNTED = ("requests", "estimated_requests", "prompt_tokens", "cached_tokens", "completion_tokens")
PROMPT, ANSWER = usage({"messages": MESSAGES})["prompt_tokens"], len(WORDS)
BODY = {"model": "alpha", "messages": MESSAGES}
Sums = dict[tuple[str, str | None, str], tuple[int, ...]]


def used(gateway: Gateway, key: str = BOSS, period: str = "") -> Sums:
    answer = gateway.ask("GET", f"/usage?period={period}" if period else "/usage", key=key)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    rows = json.loads(answer.body)["data"]
    return {(row["key"], row["user"], row["model"]): tuple(row[name] for name in COUNTED) for row in rows}


def more(before: Sums, after: Sums) -> Sums:
    """What has been added, as far as anything has."""
    nothing = (0,) * len(COUNTED)
    grown = {
        whose: tuple(new - old for new, old in zip(sums, before.get(whose, nothing), strict=True))
        for whose, sums in after.items()
    }
    return {whose: sums for whose, sums in grown.items() if any(sums)}


def await_more(gateway: Gateway, before: Sums, grown: Sums) -> None:
    """A client may have its answer a moment before it is counted."""

    def found() -> Sums:
        return more(before, used(gateway))

    try:
        eventually(lambda: found() == grown, "it is counted")
    except AssertionError:
        assert found() == grown


def stream(gateway: Gateway, key: str, **options: Any) -> list[dict[str, Any]]:
    """The events of a streamed answer but for its last, as they arrive at the client."""
    body = gateway.complete({**BODY, "stream": True, **options}, key).body
    *events, last, _end = body.replace("\r\n", "\n").split("\n\n")
    assert last == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


@pytest.mark.parametrize("piece", [None, 1, 7, 100])
@pytest.mark.parametrize("says_timings", [False, True])
def test_a_stream_is_counted_whether_its_client_asks_for_usage_or_not(
    gateway: Gateway, alpha: Engine, piece: int | None, says_timings: bool
) -> None:
    before = used(gateway)
    alpha.piece, alpha.says_timings = piece, says_timings
    wish = {"include_usage": True}
    unasked, asked = stream(gateway, LIMITED_KEY), stream(gateway, LIMITED_KEY, stream_options=wish)
    assert [event["choices"][0]["delta"]["content"] for event in unasked] == list(WORDS)
    assert [event["choices"] == [] for event in asked] == [False] * len(WORDS) + [True]
    assert asked[-1]["usage"]["total_tokens"] == PROMPT + ANSWER
    await_more(gateway, before, {("limited", None, "alpha"): (2, 0, 2 * PROMPT, 8, 2 * ANSWER)})


def test_whoever_has_a_key_sees_his_own_and_an_operator_all_also_as_a_table(gateway: Gateway) -> None:
    before = used(gateway)
    user = '="b"; ü\u2028'
    headers = {"X-OpenWebUI-User-Id": user.encode().decode("latin-1")}
    for _turn in range(2):
        assert gateway.ask("POST", "/v1/chat/completions", BODY, CHAT, headers).status == 200
    gateway.ask("POST", "/v1/embeddings", {"model": "beta", "input": ["a", "b"]}, CHAT)
    grown: Sums = {("chat", user, "alpha"): (2, 0, 2 * PROMPT, 8, 2 * ANSWER), ("chat", None, "beta"): (1, 0, 2, 0, 0)}
    await_more(gateway, before, grown)
    assert {key for key, _user, _model in used(gateway, CHAT)} == {"chat"}
    assert used(gateway, CHAT, time.strftime("%Y-%m-%d", time.gmtime())) == used(gateway, CHAT)
    assert used(gateway, BOSS, "2020-01") == {}

    for path, wish in (("/usage?format=csv", {}), ("/usage", {"Accept": "text/csv"})):
        table = gateway.ask("GET", path, key=CHAT, headers=wish)
        assert table.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(table.body, newline="")))
        # A spreadsheet would take what begins like this for a formula.
        assert f"'{user}" in {row["user"] for row in rows}
        found = {
            (row["key"], row["user"].removeprefix("'") or None, row["model"]): tuple(int(row[name]) for name in COUNTED)
            for row in rows
        }
        assert found == used(gateway, CHAT)
    assert gateway.ask("GET", "/usage", key="sk-0123456789-nobody").status == 401
    for period in ("yesterday", "2026-13", "2026-12-32", "2026-00"):
        assert gateway.ask("GET", f"/usage?period={period}").error["code"] == "invalid_period"
    assert gateway.ask("POST", "/usage", {}).headers["Allow"] == "GET"
    series = gateway.metrics("/metrics/keys")
    assert re.search(r'^hearth_tokens_total\{key="chat",model="alpha",kind="completion"\} [1-9]', series, re.MULTILINE)


def test_a_key_whose_tokens_are_used_up_is_told_until_when(gateway: Gateway, alpha: Engine) -> None:
    client, before = gateway.openai(FEW), used(gateway)
    turns = -(-30 // (PROMPT + ANSWER))
    for _turn in range(turns):
        client.chat.completions.create(model="alpha", messages=MESSAGES)
    await_more(gateway, before, {("few", None, "alpha"): (turns, 0, turns * PROMPT, turns * 4, turns * ANSWER)})
    asked = len(alpha.received)
    with pytest.raises(
        openai.RateLimitError, match=r"the 30 tokens that it may use today.* on \d{4}-\d\d-\d\d at 00:00"
    ) as refused:
        client.chat.completions.create(model="alpha", messages=MESSAGES)
    assert refused.value.code == "tokens_exhausted"
    seconds = int(refused.value.response.headers["Retry-After"])
    assert abs(seconds - (86400 - time.time() % 86400)) < 60
    assert len(alpha.received) == asked
    mine = json.loads(gateway.ask("GET", "/usage", key=FEW).body)
    assert (mine["tokens_per_day"], mine["tokens_per_month"], mine["tokens_today"] >= 30) == (30, 1000, True)
    assert 'hearth_refusals_total{key="few",model="alpha",reason="tokens"} 1' in gateway.metrics("/metrics/keys")


def test_what_a_stream_has_said_before_its_client_hangs_up_is_counted(gateway: Gateway, alpha: Engine) -> None:
    # Of a model that nobody asks with long bodies: what its prompts cost is known by others of it.
    asked: Any = {"model": "hasty", "messages": MESSAGES, "stream": True}
    gateway.complete(asked)
    before = used(gateway)
    alpha.go.clear()
    running = gateway.openai().chat.completions.create(**asked)
    next(running)
    running.close()
    eventually(lambda: more(before, used(gateway)) != {}, "it is counted")
    requests, estimated, prompt, _cached, _answer = more(before, used(gateway))["all", None, "hasty"]
    assert (requests, estimated) == (1, 1)
    # As other prompts of this model with as many bytes.
    assert abs(prompt - PROMPT) <= 2


def journal(gateway: Gateway) -> Path:
    return gateway.directory / "h/gateway_usage/journal"


def test_a_full_disk_fails_no_request_and_loses_no_token(gateway: Gateway) -> None:
    before, aside = used(gateway), journal(gateway).with_name("aside")
    journal(gateway).rename(aside)
    journal(gateway).symlink_to("/dev/full")
    try:
        assert gateway.complete(BODY, LIMITED_KEY).status == 200
        assert gateway.complete(BODY, LIMITED_KEY).status == 200
        grown: Sums = {("limited", None, "alpha"): (2, 0, 2 * PROMPT, 8, 2 * ANSWER)}
        await_more(gateway, before, grown)
        assert "hearth_usage_unwritten{} 2" in gateway.metrics("/metrics/keys")
        eventually(lambda: "No space left on device" in gateway.log, "it is said in the log")
    finally:
        aside.replace(journal(gateway))
    eventually(lambda: "hearth_usage_unwritten{} 0" in gateway.metrics("/metrics/keys"), "it is written down")
    assert more(before, used(gateway)) == grown


def test_a_number_that_nobody_can_have_counted_spoils_no_sum(gateway: Gateway, alpha: Engine) -> None:
    before = used(gateway)
    for tokens in (10**15, 10**400):
        alpha.says_tokens = tokens
        assert gateway.complete(BODY, LIMITED_KEY).status == 200
    # What nobody can have said is not added up; the rest is.
    requests, _estimated, prompt, _cached, answer = more(before, used(gateway))["limited", None, "alpha"]
    assert (requests, prompt) == (2, 2 * PROMPT)
    assert answer <= 2 * ANSWER
    with journal(gateway).open("a") as file:
        file.write(f"\n{time.strftime('%Y-%m-%d', time.gmtime())} 1-1-1 stranger - alpha 1 0 {10**400} 0 {10**400} .\n")
    eventually(lambda: used(gateway).get(("stranger", None, "alpha")) == (1, 0, 2**53, 0, 2**53), "it is cut down")


def test_what_was_counted_outlives_a_reload_with_a_running_stream_and_a_kill(gateway: Gateway, alpha: Engine) -> None:
    before = used(gateway)
    alpha.go.clear()
    running = gateway.openai(LIMITED_KEY).chat.completions.create(model="alpha", messages=MESSAGES, stream=True)
    next(running)
    older = gateway.workers
    kill(master(gateway), signal.SIGUSR2)
    eventually(lambda: not gateway.workers <= older, "there is a new process")
    # A line that was torn off by a full disk, and one of a stranger.
    with journal(gateway).open("a") as file:
        file.write("2026-11-29 1-1-1 limited - alpha 1 0 100")
    alpha.go.set()
    assert [chunk.choices[0].delta.content for chunk in running] == ["two", "three"]
    gateway.complete(BODY, LIMITED_KEY)
    grown: Sums = {("limited", None, "alpha"): (2, 0, 2 * PROMPT, 8, 2 * ANSWER)}
    # Of both processes.
    await_more(gateway, before, grown)
    end(gateway)
    eventually(lambda: answers(gateway), "it is there again", 30)
    assert more(before, used(gateway)) == grown
    # The journal becomes sums of the day.
    eventually(lambda: any(journal(gateway).parent.glob("????-??-??.sums")), "it is summed up")
    gateway.complete(BODY, LIMITED_KEY)
    eventually(lambda: more(before, used(gateway))["limited", None, "alpha"][0] == 3, "it is counted on")
    written = "".join(path.read_text() for path in journal(gateway).parent.iterdir())
    assert MESSAGES[0]["content"] not in written
    assert LIMITED_KEY not in written


def master(gateway: Gateway) -> int:
    """The process that starts the others."""
    everyone = gateway.workers
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in everyone}
    return next(pid for pid in everyone if parents[pid] not in everyone)


def end(gateway: Gateway) -> None:
    """All processes at once."""
    for pid in gateway.workers:
        # The one that a reload has replaced may just have ended.
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def answers(gateway: Gateway) -> bool:
    try:
        return gateway.ask("GET", "/usage", key=BOSS).status == 200
    except OSError:
        return False
