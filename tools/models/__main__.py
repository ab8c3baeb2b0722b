# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""./hearth models: which models there are, and how one comes and goes. All that it keeps stands in the inventory afterwards."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / ".collections") not in sys.path:
    sys.path.insert(0, str(ROOT / ".collections"))
# Ansible would go on with no host at all, and this program would say that there are no models.
os.environ["ANSIBLE_INVENTORY_UNPARSED_FAILED"] = "true"

import yaml  # noqa: E402
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError  # noqa: E402
from ansible_collections.hearth.llm.tools.models import changes, known, runs, said  # noqa: E402
from ansible_collections.hearth.llm.tools.models.changes import Call  # noqa: E402

DEFAULT_INVENTORY = "inventories/local"


def main(words: Sequence[str]) -> int:
    own, options = (list(words[: words.index("--")]), words[words.index("--") + 1 :]) if "--" in words else (words, [])
    given = parser().parse_args(own)
    call = Call(
        runs.Inventory(given.inventory or [DEFAULT_INVENTORY], options),
        json=given.json,
        file=getattr(given, "file", ""),
        owner=getattr(given, "host", ""),
        offline=getattr(given, "offline", False),
        runs=not getattr(given, "no_run", False),
    )
    try:
        for source in call.inventory.sources:
            # Others are lists of hosts.
            if "," not in source and not Path(source).exists():
                raise InputError(f"The inventory {source} is not there: name one by -i, such as -i inventories/mine.")
        given.verb(call, given)
    except HearthError as error:
        # Whoever reads JSON finds the reason there, too, with what had been done before.
        print(f"hearth: {error.message}", file=sys.stderr)
        if call.json:
            print(json.dumps({**call.result, "error": error.message}, ensure_ascii=False))
        return 1
    except KeyboardInterrupt:
        print("hearth: stopped.", file=sys.stderr)
        return 130
    if call.json:
        print(json.dumps(call.result, ensure_ascii=False))
    return 0


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-i", "--inventory", action="append", metavar="PATH", help=f"the inventory (default: {DEFAULT_INVENTORY})"
    )
    common.add_argument(
        "--json", action="store_true", help="the answer as JSON on standard output, all else on standard error"
    )
    offline = argparse.ArgumentParser(add_help=False)
    offline.add_argument("--offline", action="store_true", help="ask neither hosts nor the hub")
    hosts = argparse.ArgumentParser(add_help=False)
    hosts.add_argument("--host", default="", metavar="GROUP_OR_HOST", help="only there")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--host", default="", metavar="GROUP_OR_HOST", help="whose models are meant")
    place.add_argument("--file", default="", metavar="PATH", help="the file of the inventory that is meant")
    runs_it = argparse.ArgumentParser(add_help=False)
    runs_it.add_argument("--no-run", action="store_true", help="write the inventory, and run nothing")

    top = argparse.ArgumentParser(
        prog="./hearth models",
        description="Which models there are, and how one comes and goes. What stands behind -- is given to ansible-playbook.",
        epilog="docs/models_command.md has every option.",
    )
    verbs = top.add_subparsers(required=True, metavar="list | show | add | remove | prepare")

    verb = verbs.add_parser(
        "list", parents=[common, offline, hosts], help="which models are described, locked, fetched and served"
    )
    verb.set_defaults(verb=_list)

    verb = verbs.add_parser("show", parents=[common, offline, hosts], help="all that is known of one model")
    verb.add_argument("name", metavar="NAME")
    verb.set_defaults(verb=_show)

    verb = verbs.add_parser(
        "add", parents=[common, offline, place, runs_it], help="describe a model where it fits, fetch it and serve it"
    )
    verb.add_argument("source", metavar="SOURCE", help="hf://owner/repository/file.gguf, https://… or file:///…")
    verb.add_argument("--name", default="", help="its served name (default: made of the file's name)")
    verb.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a key of its description, such as slots=2"
    )
    verb.add_argument("--dry-run", action="store_true", help="say whether it fits and what would be written")
    verb.set_defaults(verb=_add)

    verb = verbs.add_parser(
        "remove",
        parents=[common, offline, place, runs_it],
        help="take a model out of the description, and away from the hosts",
    )
    verb.add_argument("name", metavar="NAME")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.set_defaults(verb=_remove)

    verb = verbs.add_parser(
        "prepare", parents=[common, hosts], help="fetch and verify a described model, without serving it yet"
    )
    verb.add_argument("name", metavar="NAME")
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--blocking", action="store_true", help="wait until it is there (the default)")
    how.add_argument("--background", action="store_true", help="fetch it while this command has ended")
    verb.set_defaults(verb=_prepare)
    return top


def _list(call: Call, _given: argparse.Namespace) -> None:
    seen = runs.look(call.inventory, hosts=call.hosts, asks=not call.offline)
    seen.demand()
    call.result = known.of_all(seen)
    if not call.json:
        print(said.listed(call.result))


def _show(call: Call, given: argparse.Namespace) -> None:
    seen = runs.look(call.inventory, hosts=call.hosts, asks=not call.offline, plans=not call.offline)
    seen.demand()
    known.demand(seen, given.name)
    call.result = {**known.of_one(given.name, seen), "places": call.places(given.name)}
    if not call.json:
        print(said.one_model(call.result))


def _add(call: Call, given: argparse.Namespace) -> None:
    settings: dict[str, Any] = {}
    for key, value in map(_setting, given.set):
        if key == "source":
            raise InputError(
                f"--set source={value} and SOURCE {given.source} both say what is served: write it once, as SOURCE."
            )
        if key in settings:
            raise InputError(f"--set says {key} twice: write it once.")
        settings[key] = value
    changes.add(call, given.source, given.name, settings, dry_run=given.dry_run)


def _remove(call: Call, given: argparse.Namespace) -> None:
    changes.remove(call, given.name, yes=given.yes)


def _prepare(call: Call, given: argparse.Namespace) -> None:
    changes.prepare(call, given.name, background=given.background)


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    try:
        if key.strip() and equals:
            return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        pass
    raise InputError(
        f"--set {text!r} is no setting: write KEY=VALUE with a value as the inventory has it, such as --set slots=2."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
