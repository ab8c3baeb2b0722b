# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`./hearth test`: runs all that a fresh machine can test, part after part, and says what each took.

A part that fails does not keep the others from running; what cannot be run here is named, with the reason.
"""

from __future__ import annotations

import argparse
import time

from suite.lanes import LANES, run_all
from suite.part import ROOT, Part
from suite.summary import tell

PARTS = (
    Part("ruff", "Python is clean", ("ruff", "check")),
    Part("format", "Python is formatted", ("ruff", "format", "--check")),
    Part("mypy", "types hold", ("mypy",)),
    Part("yamllint", "YAML is clean", ("yamllint", "--strict", ".")),
    Part("ansible-lint", "Ansible is fit for production", ("ansible-lint", "--strict")),
    Part(
        "docs",
        "every option is documented",
        ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."),
    ),
    Part("changelog", "changelog fragments are valid", ("antsibull-changelog", "lint")),
    Part("spelling", "words are spelled right", ("codespell",)),
    Part("unit", "each piece keeps its word", ("pytest", "tests/unit")),
    Part(
        "integration",
        "real playbooks against real servers",
        ("pytest", "tests/integration", "--numprocesses", "2", "--dist", "loadfile"),
    ),
    Part("local", "the newcomer's way: no root, no containers", ("python", "-m", "lab", "molecule", "local", "test")),
    Part("models", "a hub with faults", ("python", "-m", "lab", "molecule", "models", "test")),
    Part("default", "the operator's way: a bare host over SSH", ("python", "-m", "lab", "molecule", "default", "test")),
    Part(
        "sandwich_shop",
        "three assistants, from nothing and for good",
        ("python", "-m", "lab", "molecule", "sandwich_shop", "test"),
    ),
    Part("open_webui", "Open WebUI in a browser", ("python", "-m", "lab", "molecule", "open_webui", "test")),
    Part("firewall", "a closed host, proven closed", ("python", "-m", "lab", "molecule", "firewall", "test")),
    Part("nvidia", "from no driver to a container with a GPU", ("python", "-m", "lab", "molecule", "nvidia", "test")),
)


def main() -> int:
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(prog="./hearth test", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help="only these parts")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument(
        "--lanes", type=int, default=LANES, metavar="N", help="how many parts run side by side (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{part.name:14}{part.promise}" for part in PARTS))
        return 0
    if unknown := set(arguments.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    begin = time.monotonic()
    chosen = [part for part in PARTS if not arguments.parts or part.name in arguments.parts]
    results = run_all(chosen, ROOT / ".hearth/test", arguments.lanes)
    print("\n".join(tell(results, time.monotonic() - begin)), flush=True)
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
