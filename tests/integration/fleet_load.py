# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady load of plain requests and streams, by the standard library alone: it runs on a client of the lab, until a file tells it to end.

Each request is a line of JSON: `kind`, when it `began`, after how many seconds its answer began (`first`) and ended (`whole`), and how: `answered`, `failed`
(no byte of an answer had come) or `broken` (it had begun), with what the client was told.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--streams", type=int, default=3, help="clients that ask for streams, one after the other")
    parser.add_argument("--plain", type=int, default=3)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--end", type=Path, required=True, help="the file that ends it")
    wanted = parser.parse_args()
    lock = threading.Lock()

    def client(number: int, kind: str) -> None:
        asked = 0
        while not wanted.end.exists():
            asked += 1
            record = one(wanted.url, wanted.key, wanted.model, kind, f"Client {number} asks {asked}")
            with lock, wanted.records.open("a") as records:
                records.write(json.dumps(record) + "\n")

    kinds = ["stream"] * wanted.streams + ["plain"] * wanted.plain
    clients = [threading.Thread(target=client, args=told) for told in enumerate(kinds)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()


def one(url: str, key: str, model: str, kind: str, text: str) -> dict[str, Any]:
    began, first = time.time(), None
    ended, told = "failed", ""
    try:
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=120)
        body = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            # Long enough for something to happen meanwhile.
            "max_tokens": 1000 if kind == "stream" else 200,
            "ignore_eos": True,
            "stream": kind == "stream",
        }
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", f"{parts.path}/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != 200:
            told = f"{response.status} {response.read(300).decode(errors='replace')}"
        else:
            begin = response.read(1)
            first, ended = time.time() - began, "broken"
            rest = (begin + response.read()).decode()
            if '"error"' in rest:
                told = rest[rest.index('"error"') :][:300]
            elif kind == "plain" or rest.rstrip().endswith("[DONE]"):
                ended = "answered"
            else:
                told = "a whole answer that ends before its [DONE]"
    except (OSError, http.client.HTTPException) as error:
        told = type(error).__name__ + (f" {error}" if isinstance(error, OSError) else "")
    return {"kind": kind, "began": began, "first": first, "whole": time.time() - began, "ended": ended, "told": told}


if __name__ == "__main__":
    main()
