# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that are nearly right, or not at all: the bytes that somebody may send who means no good."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT", "PATCH", "post", "G\0T", "")
PATHS = (
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/models", "/v1/models/alpha"),
    *("/", "*", "//v1/models", "/v1/../slots", "/v1/chat/completions?model=beta", "http://localhost/v1/models", "/%00"),
    *("/v1/models/%2e%2e%2fmetrics", "/metrics", "/v1/chat/completions#x", "/" + "a" * 5000, "v1/models", "/\xff"),
)
VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTP/1.1", "")
HEADERS = (
    *("Host: localhost", "Host: a\r\nHost: b", "Host:", "Transfer-Encoding: chunked", "Transfer-Encoding: xchunked"),
    *("Transfer-Encoding: gzip, chunked", "Content-Length: 5", "Content-Length: -1", "Content-Length: 1e3"),
    *("Content-Length: 99999999999999999999", "Expect: 100-continue", "Upgrade: websocket\r\nConnection: Upgrade"),
    *(
        "Connection: close",
        "X: " + "y" * 40_000,
        "X\0Y: z",
        " folded: line",
        "No colon",
        "X-Api-Key: sk-other-key-12345",
    ),
    *(
        "Content-Type: text/plain",
        "Content-Encoding: gzip",
        "X-OpenWebUI-User-Id: ann",
        "\r: x",
        "Authorization: Basic eDp5",
    ),
)
NUMBERS = (
    "1",
    "500",
    "501",
    "1e9",
    "5.0",
    "-1",
    "1E1",
    "99999999999999999999",
    '"7"',
    "null",
    "true",
    "[9]",
    "{}",
    "0501",
)
NAMES = (
    "max_tokens",
    r"max\u005ftokens",
    "max_completion_tokens",
    "n_predict",
    r"\u006e_predict",
    "n",
    "best_of",
    "seed",
)
MODELS = (
    '"alpha"',
    '"alpha"',
    '"alpha"',
    '"beta"',
    '"gone"',
    '"delta"',
    "null",
    "7",
    '["alpha"]',
    r'"\u0061lpha"',
    '""',
)
VALUES = (
    '"x"',
    "[]",
    "{}",
    "NaN",
    '"\\ud800"',
    '[{"role":"user","content":"\\"model\\": 1"}]',
    "[" * 60,
    '"\0"',
    "1e999",
)


def requests(number: int, seed: int, key: str) -> Iterator[bytes]:
    choice = random.Random(seed)
    for _request in range(number):
        yield choice.choices((_whole, _framed, _bent, _noise), (5, 3, 3, 1))[0](choice, key)


def _whole(choice: random.Random, key: str) -> bytes:
    """Right as HTTP: it is the body that is judged."""
    path = choice.choice(PATHS[:4])
    body = _body(choice)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _framed(choice: random.Random, key: str) -> bytes:
    """Lines that each may be wrong."""
    line = f"{choice.choice(METHODS)} {choice.choice(PATHS)} {choice.choice(VERSIONS)}"
    headers = choice.sample(HEADERS, choice.randrange(5))
    if choice.random() < 0.8:
        headers.append(f"Authorization: {choice.choice(('Bearer', 'bearer', 'Bearer  ', 'Token'))} {key}")
    body = choice.choice((_body, _chunks))(choice)
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


def _bent(choice: random.Random, key: str) -> bytes:
    """A right request with some wrong bytes."""
    data = bytearray(_whole(choice, key))
    changes: tuple[Callable[[int], None], ...] = (
        lambda place: data.__setitem__(place, choice.randrange(256)),
        lambda place: data.__delitem__(slice(place, place + choice.randrange(1, 20))),
        lambda place: data.__setitem__(slice(place, place), choice.randbytes(choice.randrange(1, 20))),
    )
    for _change in range(choice.randrange(1, 6)):
        choice.choice(changes)(choice.randrange(max(1, len(data) - 1)))
    return bytes(data)


def _noise(choice: random.Random, _key: str) -> bytes:
    return choice.randbytes(choice.choice((1, 50, 5000)))


def _body(choice: random.Random) -> bytes:
    fields = [f'"{choice.choice(NAMES)}":{choice.choice(NUMBERS)}' for _field in range(choice.randrange(4))]
    fields += [f'"model":{choice.choice(MODELS)}' for _model in range(choice.choice((0, 1, 1, 1, 1, 2)))]
    fields += [f'"messages":{choice.choice(VALUES)}' for _value in range(choice.randrange(2))]
    if choice.random() < 0.1:
        fields.append(r'"mod\u0065l":"beta"')
    choice.shuffle(fields)
    return ("{" + ",".join(fields) + "}").encode()


def _chunks(choice: random.Random) -> bytes:
    data = json.dumps({"model": "alpha"}).encode()
    size = choice.choice((b"%x" % len(data), b"-1", b"ffffffffffffffff", b"%x;x=y" % len(data), b"0x12", b"zz", b""))
    return size + b"\r\n" + data + choice.choice((b"\r\n0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n", b"0\r\n\r\n", b"\r\n"))
