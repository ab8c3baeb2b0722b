# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: `python -m lab`, with `tests` on PYTHONPATH."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import engine, hosts, hub, images, molecule, network, stock
from lab.recipes import HOSTS, PRODUCTS
from lab.shell import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; what a person has to mend is one message, not a traceback."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options) or 0)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _engine(_options: argparse.Namespace) -> None:
    print(engine.ensure())


def _images(_options: argparse.Namespace) -> None:
    engine.ensure()
    images.ensure([*HOSTS.values(), *PRODUCTS])
    stock.ensure()


def _up(options: argparse.Namespace) -> None:
    engine.ensure()
    data = stock.ensure()
    found = [hosts.up(name, HOSTS[options.image], data) for name in options.names]
    document = json.dumps(hosts.inventory(found), indent=2) + "\n"
    if options.inventory:
        options.inventory.write_text(document)
    else:
        print(document, end="")


def _down(options: argparse.Namespace) -> None:
    if engine.find():
        hosts.down([host for host in hosts.existing() if options.all or host.name in options.names])


def _reboot(options: argparse.Namespace) -> None:
    for host in hosts.existing():
        if host.name in options.names:
            hosts.reboot(host)


def _list(_options: argparse.Namespace) -> None:
    for host in hosts.existing():
        print(host.name, host.address)


def _hub_up(options: argparse.Namespace) -> None:
    subnet = network.find()
    address = network.gateway(subnet) if subnet else "127.0.0.1"
    print(hub.up(options.directory, address, options.models, options.fault))


def _hub_down(options: argparse.Namespace) -> None:
    hub.down(options.directory)


def _molecule(options: argparse.Namespace) -> int:
    return molecule.run(options.scenario, options.action)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("engine", help="install and start a Docker engine unless one answers")
    command.set_defaults(do=_engine)

    command = commands.add_parser("images", help="make all images, and have the engine know them")
    command.set_defaults(do=_images)

    command = commands.add_parser("up", help="bring hosts up and print an inventory of them")
    command.add_argument("names", nargs="+", metavar="NAME")
    command.add_argument("--image", choices=HOSTS, default="debian-12", help="what they are made of")
    command.add_argument("--inventory", type=Path, metavar="FILE", help="write the inventory there")
    command.set_defaults(do=_up)

    command = commands.add_parser("down", help="remove hosts and all that they kept")
    command.add_argument("names", nargs="*", metavar="NAME")
    command.add_argument("--all", action="store_true", help="every host of the lab")
    command.set_defaults(do=_down)

    command = commands.add_parser("reboot", help="shut hosts down and start them again")
    command.add_argument("names", nargs="+", metavar="NAME")
    command.set_defaults(do=_reboot)

    command = commands.add_parser("list", help="name the hosts that exist and their addresses")
    command.set_defaults(do=_list)

    command = commands.add_parser("hub-up", help="serve tiny models to the hosts like a model hub; prints its address")
    command.add_argument("directory", type=Path, metavar="DIRECTORY", help="for its files")
    command.add_argument("models", type=json.loads, metavar="JSON", help="name → what the model says")
    command.add_argument("--fault", action="append", default=[], help="of the fake hub's (python -m fakes.hub --help)")
    command.set_defaults(do=_hub_up)

    command = commands.add_parser("hub-down", help="end that hub")
    command.add_argument("directory", type=Path, metavar="DIRECTORY")
    command.set_defaults(do=_hub_down)

    command = commands.add_parser("molecule", help="run a scenario; a warning of Ansible's is a failure")
    command.add_argument("scenario", metavar="SCENARIO")
    command.add_argument("action", nargs="?", default="test", metavar="ACTION", help="of Molecule's (default: test)")
    command.set_defaults(do=_molecule)
    return parser


if __name__ == "__main__":
    sys.exit(main())
