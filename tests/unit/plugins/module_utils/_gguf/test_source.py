# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads headers over real HTTP, and counts the bytes that were sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.header import GgufError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile, RemoteFile
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._hub import file_url
from ansible_collections.hearth.llm.tools.hello_model.gguf_writer import Entry, Tensor, ValueType, gguf_bytes
from fakes.hub import Hub

# A header of two pieces, and weights that nobody needs to see.
VOCABULARY = Entry("tokenizer.ggml.tokens", ValueType.STRING, [f"token {number:06}" for number in range(20_000)])
MODEL = gguf_bytes([VOCABULARY], [Tensor("w", (1 << 21,), 0, bytes(8 << 20))])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path) as hub:
        hub.publish("owner/models", {"large.gguf": MODEL, "empty.gguf": b""})
        yield hub


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


def test_a_remote_header_is_read_by_ranges_and_the_weights_are_not_fetched(hub: Hub, client: Client) -> None:
    model = describe([RemoteFile(client, file_url("hf://owner/models/large.gguf", hub.url))])

    assert (model["vocabulary_size"], model["file_bytes"], model["complete"]) == (20_000, len(MODEL), True)
    assert hub.sent("cdn:*") < 2 * model["header_bytes"]
    # Where the hub leads is asked once.
    assert len(hub.requests("resolve:*")) == 1


def test_a_server_without_ranges_is_left_when_the_header_has_been_read(hub: Hub, client: Client) -> None:
    hub.fault("cdn:*", "no_ranges")
    remote = RemoteFile(client, file_url("hf://owner/models/large.gguf", hub.url))

    assert describe([remote])["vocabulary_size"] == 20_000
    remote.close()
    assert len(hub.requests("cdn:*")) == 1


def test_a_token_is_sent_to_the_hub_and_not_to_where_it_leads(hub: Hub, client: Client, tmp_path: Path) -> None:
    with Hub(tmp_path / "cdn") as cdn:
        cdn.publish("owner/models", {"large.gguf": MODEL})
        blob = cdn.catalogue.find("owner/models", "main")
        assert blob
        # The same machine under another name: another origin, to which the token is not given.
        hub.bytes_url = f"{cdn.url.replace('127.0.0.1', 'localhost')}/cdn"
        hub.secret = cdn.secret
        hub.gate("owner/models", {"secret"})
        describe([RemoteFile(client, file_url("hf://owner/models/large.gguf", hub.url), token="secret")])

        assert {seen.token for seen in hub.requests("resolve:*")} == {"secret"}
        assert {seen.token for seen in cdn.requests("cdn:*")} == {""}


def test_an_empty_remote_file_is_called_empty(hub: Hub, client: Client) -> None:
    with pytest.raises(GgufError, match="it is empty"):
        describe([RemoteFile(client, file_url("hf://owner/models/empty.gguf", hub.url))])


def test_what_is_not_a_readable_file_is_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(HearthError, match=r"pipe cannot be read \(not a file\)"):
        LocalFile(str(pipe))
    with pytest.raises(HearthError, match=r"absent cannot be read \(No such file or directory\)"):
        LocalFile(str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("hf://o/r/m.gguf", "https://hub/o/r/resolve/main/m.gguf"),
        ("hf://o/r@v1.0/a b/m.gguf", "https://hub/o/r/resolve/v1.0/a%20b/m.gguf"),
        ("hf://o/r@refs%2Fpr%2F1/m.gguf", "https://hub/o/r/resolve/refs%2Fpr%2F1/m.gguf"),
    ],
)
def test_a_source_of_a_hub_becomes_an_address(source: str, url: str) -> None:
    assert file_url(source, "https://hub/") == url


@pytest.mark.parametrize("source", ["hf://owner/repository", "hf://repository", "hf://o/r@/m.gguf", "hf://o/r/"])
def test_a_source_that_names_no_file_is_refused(source: str) -> None:
    with pytest.raises(HearthError, match="does not name a file of a hub"):
        file_url(source)
