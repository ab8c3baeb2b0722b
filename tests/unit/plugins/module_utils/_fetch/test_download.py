# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file from a hub that makes it hard."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._fetch import digest, download
from ansible_collections.hearth.llm.plugins.module_utils._fetch.download import Download, Fetched, Limits
from ansible_collections.hearth.llm.plugins.module_utils._fetch.guard import StoppedError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.journal import Part
from ansible_collections.hearth.llm.plugins.module_utils._fetch.ranges import MIB
from ansible_collections.hearth.llm.plugins.module_utils._fetch.remote import WebRemote
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from fakes.hub import Hub

DATA = random.Random(5).randbytes(24 * MIB)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as running:
        running.publish("o/r", {"model.gguf": DATA})
        yield running


def part(directory: Path, validator: str = "") -> Part:
    return Part(str(directory), "key", len(DATA), validator)


def fetch(hub: Hub, into: Part, stop_at: int = 1 << 62, connections: int = 8) -> Fetched:
    def watch(running: Download) -> None:
        if running.done_bytes >= stop_at:
            raise StoppedError("enough")

    with Client(read_seconds=1) as client:
        remote = WebRemote(client, f"{hub.url}/o/r/resolve/main/model.gguf", "model.gguf", len(DATA))
        return Download(remote, into, "model.gguf", Limits(connections=connections), watch).run()


def right(fetched: Fetched, directory: Path) -> bool:
    return fetched.sha256 == hashlib.sha256(DATA).hexdigest() and (directory / "key.part").read_bytes() == DATA


def test_all_faults_together_still_give_the_right_bytes(hub: Hub, tmp_path: Path) -> None:
    for kind, settings in (
        ("cut", {"after": 700_000, "times": 6}),
        ("stall", {"after": 100_000, "times": 2}),
        ("expired", {"times": 1}),
        ("status", {"code": 503, "retry_after": 0, "times": 2}),
    ):
        hub.fault("cdn:*", kind, **settings)
    assert right(fetch(hub, part(tmp_path)), tmp_path)


@pytest.mark.parametrize("library", [True, False])
def test_a_stopped_fetch_goes_on_without_fetching_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: bool
) -> None:
    if not library:
        monkeypatch.setattr(digest, "_LIBRARY", None)
    hub.fault("cdn:*", "slow", rate=4 * MIB)
    with pytest.raises(StoppedError):
        fetch(hub, part(tmp_path), stop_at=10 * MIB)
    proven = part(tmp_path)
    assert 10 * MIB <= len(DATA) - proven.missing_bytes < len(DATA)
    # The hash goes on as well, where its state can be had.
    assert (proven.digest().position > 0) == library
    hub.faults.clear()
    hub.forget()
    assert right(fetch(hub, proven), tmp_path)
    assert hub.sent("cdn:*") <= len(DATA) - 10 * MIB


def test_a_journal_of_other_content_is_not_believed(hub: Hub, tmp_path: Path) -> None:
    hub.fault("cdn:*", "slow", rate=4 * MIB)
    with pytest.raises(StoppedError):
        fetch(hub, part(tmp_path, "yesterday's etag"), stop_at=10 * MIB)
    assert part(tmp_path, "today's etag").missing_bytes == len(DATA)
    (tmp_path / "key.journal").write_text("{ torn")
    assert part(tmp_path, "yesterday's etag").missing_bytes == len(DATA)
    hub.faults.clear()
    assert right(fetch(hub, part(tmp_path)), tmp_path)


def test_a_server_without_ranges_serves_one_connection_once(hub: Hub, tmp_path: Path) -> None:
    hub.fault("cdn:*", "no_ranges")
    assert right(fetch(hub, part(tmp_path)), tmp_path)
    assert hub.sent("cdn:*") == len(DATA)


def test_a_held_server_is_asked_over_more_and_more_connections(hub: Hub, tmp_path: Path) -> None:
    hub.fault("cdn:*", "slow", rate=MIB)
    began = time.monotonic()
    assert right(fetch(hub, part(tmp_path), connections=16), tmp_path)
    # One connection would need 24 s, four of them 6.
    assert time.monotonic() - began < 5.5


def test_a_crash_between_write_and_journal_loses_only_what_came_since(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal of an earlier checkpoint, and a part file in which more had been written since: what a power cut leaves."""
    hub.fault("cdn:*", "slow", rate=4 * MIB)
    monkeypatch.setattr(download, "CHECKPOINT_SECONDS", 0.05)
    journals: list[str] = []
    original = Part.checkpoint

    def keep(self: Part, *arguments: object) -> None:
        original(self, *arguments)  # type: ignore[arg-type]
        journals.append(Path(self.journal_path).read_text())

    monkeypatch.setattr(Part, "checkpoint", keep)
    with pytest.raises(StoppedError):
        fetch(hub, part(tmp_path), stop_at=16 * MIB)
    early = journals[len(journals) // 2]
    (tmp_path / "key.journal").write_text(early)
    proven = {at for start, end in json.loads(early)["ranges"] for at in (start, end - 1)}
    with (tmp_path / "key.part").open("r+b") as stream:
        for at in range(0, len(DATA), MIB):
            if not any(start <= at < end for start, end in json.loads(early)["ranges"]):
                stream.seek(at)
                stream.write(b"\xff")
    hub.faults.clear()
    assert proven
    assert right(fetch(hub, part(tmp_path)), tmp_path)
