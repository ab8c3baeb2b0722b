# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""./hearth status: how the installation is at this moment. Ends with 1 where something is down."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / ".collections") not in sys.path:
    sys.path.insert(0, str(ROOT / ".collections"))
# Ansible would go on with no host at all, and this program would say that all is well.
os.environ["ANSIBLE_INVENTORY_UNPARSED_FAILED"] = "true"

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError  # noqa: E402
from ansible_collections.hearth.llm.tools.models import runs  # noqa: E402

DEFAULT_INVENTORY = "inventories/local"
WATCHED_SECONDS = 5.0
_CLEAR = "\033[H\033[2J"


def main(words: Sequence[str]) -> int:
    given, options = parser().parse_known_args(words)
    inventory = runs.Inventory(given.inventory or [DEFAULT_INVENTORY], options)
    try:
        while True:
            told = look(inventory)
            if given.watch is None or given.json:
                show(told, as_json=given.json)
            else:
                print(f"{_CLEAR if sys.stdout.isatty() else ''}{time.strftime('%H:%M:%S')}")
                show(told, as_json=False)
            if given.watch is None:
                return 1 if told["down"] else 0
            time.sleep(given.watch)
    except HearthError as error:
        print(f"hearth: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def look(inventory: runs.Inventory) -> dict[str, Any]:
    seen = runs.ask(inventory, "playbooks/status.yml", "Tell how the installation is", {"status_as_data": True})
    seen.demand()
    if not seen.hosts:
        raise InputError("No host told anything: name hosts of this installation by --limit, or none.")
    return dict(next(iter(seen.hosts.values())))


def show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: value for name, value in told.items() if name != "lines"}, ensure_ascii=False))
    else:
        print("\n".join(told["lines"]))
        if told["down"]:
            print(f"\nNot up: {', '.join(told['down'])}. `./hearth doctor` says where to begin.")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    own = argparse.ArgumentParser(
        prog="./hearth status",
        description=__doc__,
        epilog="Other options go to ansible-playbook.",
        allow_abbrev=False,
    )
    own.add_argument("-i", "--inventory", action="append", help=f"an inventory (default: {DEFAULT_INVENTORY})")
    own.add_argument("--json", action="store_true", help="one line of JSON each time, as docs/status.md describes it")
    own.add_argument(
        "--watch",
        nargs="?",
        type=seconds,
        const=WATCHED_SECONDS,
        metavar="SECONDS",
        help=f"look again after so many seconds ({WATCHED_SECONDS:.0f}), until Ctrl-C",
    )
    return own


def seconds(text: str) -> float:
    number = float(text)
    if not 1 <= number <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 86400 seconds")
    return number


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
