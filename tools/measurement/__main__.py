# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.measurement: what a measurement says, and whether it is slower than an earlier one.

Ends with 0 where all that was judged holds, with 1 where a limit is broken or it is slower, with 2 where that cannot be told or what was given is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / ".collections") not in sys.path:
    sys.path.insert(0, str(ROOT / ".collections"))

import yaml  # noqa: E402
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError  # noqa: E402
from ansible_collections.hearth.llm.plugins.plugin_utils._measure import text  # noqa: E402
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.evidence import evidence, write  # noqa: E402
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.verdict import EXIT  # noqa: E402


def main(words: Sequence[str]) -> int:
    given = parser().parse_args(words)
    try:
        limits = _limits(given.sla) if given.sla else {}
        found = evidence(given.directory, limits, given.baseline, given.title)
        if given.write:
            write(given.write, found.files, dry=False)
    except HearthError as error:
        print(f"hearth: {error.message}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"hearth: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(found.document, sort_keys=True, ensure_ascii=False))
    else:
        print(text.report(found.document))
    return EXIT[found.verdict]


def _limits(path: Path) -> dict[str, object]:
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        told = None
    if not isinstance(told, dict):
        raise HearthError(f"{path} is no mapping of limits: write such as 'ttft_p95_ms: 500' into it.")
    return told


def parser() -> argparse.ArgumentParser:
    said = argparse.ArgumentParser(prog="python -m tools.measurement", description=__doc__)
    said.add_argument("directory", type=Path, help="the folder that the run was written to, or its evidence")
    said.add_argument(
        "--baseline",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="an earlier run; may be given several times",
    )
    said.add_argument("--sla", type=Path, metavar="FILE", help="limits, as YAML")
    said.add_argument("--write", type=Path, metavar="DIR", help="write the folder of evidence, too")
    said.add_argument("--title", default="", help="what the report is called")
    said.add_argument("--json", action="store_true", help="all figures as JSON instead of words")
    return said


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
