# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes may be cut anywhere: in a line, in a letter, between CR and LF."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._load.events import Events
from ansible_collections.hearth.llm.plugins.module_utils._load.response import BrokenAnswerError, Response

EVENTS = 'data: {"a":"grüße 😀"}\r\n\r\n: a comment\ndata: two\ndata: lines\n\nevent: x\nerror: {"code":500}\n\ndata:[DONE]\n\n'
READ = [("data", '{"a":"grüße 😀"}'), ("data", "two\nlines"), ("error", '{"code":500}'), ("data", "[DONE]")]
BODY = EVENTS.encode()
HTTP = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Request-Id: 7\r\n\r\n"
    + b"".join(b"%x;ext=1\r\n%s\r\n" % (len(BODY[at : at + 11]), BODY[at : at + 11]) for at in range(0, len(BODY), 11))
    + b"0\r\nTrailer: x\r\n\r\n"
)


def read(pieces: Iterable[bytes]) -> tuple[Response, list[tuple[str, str]]]:
    events, found = Events(), list[tuple[str, str]]()
    response = Response(lambda data: found.extend(events.feed(data)))
    for piece in pieces:
        response.feed(piece)
    return response, found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_pieces_of_any_size_say_the_same(size: int) -> None:
    response, found = read(HTTP[at : at + size] for at in range(0, len(HTTP), size))
    assert found == READ
    assert (response.done, response.status, response.keep_alive) == (True, 200, True)
    assert response.headers["x-request-id"] == "7"


def test_one_cut_at_any_place_says_the_same() -> None:
    for place in range(len(HTTP)):
        assert read((HTTP[:place], HTTP[place:]))[1] == READ


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfoo\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        read([data])


def test_without_a_length_the_answer_ends_with_its_connection() -> None:
    response, _found = read([b"HTTP/1.1 200 OK\r\n\r\ndata: x"])
    assert (response.done, response.end(), response.keep_alive) == (False, True, False)
    response, _found = read([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ndata: x"])
    assert not response.end()


def test_a_line_without_an_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.hearth.llm.plugins.module_utils._load.events.LONGEST_LINE", 1000)
    with pytest.raises(BrokenAnswerError, match="longer than 1000"):
        list(Events().feed(b"data: " + b"x" * 1001))
