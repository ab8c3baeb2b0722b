# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a real Windows says of itself (`facts.ps1`, on standard input) as the collection reads it, and ends with 1 where that is not understood."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

FACTS = Path(__file__).parents[2] / "plugins/plugin_utils/_windows/facts.py"


def main() -> int:
    # By its path: a clone on Windows has no links, and so no collection that could be imported.
    specification = importlib.util.spec_from_file_location("facts", FACTS)
    assert specification
    assert specification.loader
    module = sys.modules["facts"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    facts, findings = module.read(json.load(sys.stdin))
    print(facts)
    print(*findings, sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
