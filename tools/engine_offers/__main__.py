# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running engine what it offers, and writes its tables in docs/api.md.

python -m tools.engine_offers ENGINE chat=URL caller=URL seer=URL embedding=URL rerank=URL

The five are the models of `models.py`, each served at its URL under that name.
"""

from __future__ import annotations

import http.client
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/api.md"
if str(ROOT / ".collections") not in sys.path:
    sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.hearth.llm.tools.engine_offers.asking import Door  # noqa: E402
from ansible_collections.hearth.llm.tools.engine_offers.page import page, tables  # noqa: E402


def door(model: str, url: str) -> Door:
    place = urlsplit(url)
    return Door(model, lambda: http.client.HTTPConnection(place.hostname or "", place.port, timeout=60))


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or not all("=" in argument for argument in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    doors = {model: door(model, url) for model, _is, url in (argument.partition("=") for argument in arguments[1:])}
    PAGE.write_text(page(PAGE.read_text(), arguments[0], tables(doors)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
