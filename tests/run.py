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

PLAYS = (
    "tests/integration/gateway/test_operation.py::test_a_second_run_changes_nothing",
    "tests/integration/test_service.py::test_a_service_comes_up_once_and_restarts_only_for_a_change",
    "tests/integration/test_summary.py::test_each_kind_of_person_finds_what_they_need",
)
STATIC = ("ruff", "format", "mypy", "yamllint", "changelog", "spelling", "licences")
# The longest first: whatever else there is runs beside it.
PARTS = (
    Part(
        "integration",
        "real playbooks against real servers",
        ("pytest", "tests/integration", "--numprocesses", "2", "--dist", "loadfile"),
        by_name=("pytest",),
    ),
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
    Part("licences", "every file says whose it is", ("reuse", "lint", "--quiet")),
    Part("galaxy", "Galaxy's own judges find nothing", ("python", "-m", "judges")),
    Part("unit", "each piece keeps its word", ("pytest", "tests/unit", "--numprocesses", "2", "--dist", "loadfile")),
    Part("local", "the newcomer's way: no root, no containers", ("python", "-m", "lab", "molecule", "local", "test")),
    Part("models", "a hub with faults", ("python", "-m", "lab", "molecule", "models", "test")),
    Part("default", "the operator's way: a bare host over SSH", ("python", "-m", "lab", "molecule", "default", "test")),
    Part(
        "sandwich_shop",
        "three assistants, from nothing and for good",
        ("python", "-m", "lab", "molecule", "sandwich_shop", "test"),
    ),
    Part("firewall", "a closed host, proven closed", ("python", "-m", "lab", "molecule", "firewall", "test")),
)

# What other parts show shorter, or what seldom changes: whoever names them runs them, and CI does each night.
BY_NAME = (
    Part(
        "long",
        "what takes long of real playbooks",
        ("pytest", "tests/integration", "--long", "--numprocesses", "2", "--dist", "loadfile"),
        by_name=("pytest", "--long"),
    ),
    Part("open_webui", "Open WebUI in a browser", ("python", "-m", "lab", "molecule", "open_webui", "test")),
    Part("nvidia", "from no driver to a container with a GPU", ("python", "-m", "lab", "molecule", "nvidia", "test")),
)

# For whoever changes a line.
QUICK = (
    Part("plays", "some real playbooks do what they should", ("pytest", *PLAYS)),
    *(part for part in PARTS if part.name in STATIC or part.name == "unit"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./hearth test", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help="only these parts")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--quick", action="store_true", help="what takes three minutes at most")
    parser.add_argument(
        "--lanes", type=int, default=LANES, metavar="N", help="how many parts run side by side (default: %(default)s)"
    )
    arguments = parser.parse_args()
    parts = QUICK if arguments.quick else PARTS
    named = (*parts, *BY_NAME)
    names = [part.name for part in named]
    if arguments.list:
        print("\n".join(f"{part.name:14}{part.promise}" for part in parts))
        print("\nOnly by name:")
        print("\n".join(f"{part.name:14}{part.promise}" for part in BY_NAME))
        return 0
    if unknown := set(arguments.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    begin = time.monotonic()
    chosen = [part for part in named if part.name in arguments.parts] if arguments.parts else parts
    results = run_all(chosen, ROOT / ".hearth/test", arguments.lanes)
    print("\n".join(tell(results, time.monotonic() - begin)), flush=True)
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
