# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures which options a build of an engine knows, for files/engine_options.

    python -m tools.engine_options llama_cpp -- /usr/bin/llama-server
    python -m tools.engine_options llama_cpp --image ghcr.io/ggml-org/llama.cpp:server-b11176
    python -m tools.engine_options xllamacpp --python VENV/bin/python
    python -m tools.engine_options vllm --python VENV/bin/python

A list is named by the build that it was captured from. Nothing is downloaded: the image or the environment has to be there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LISTS = ROOT / "files/engine_options"
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.help_text import (  # noqa: E402
    read_build,
    read_help,
)
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import to_document  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    document = CAPTURES[options.engine](options)
    document["captured_from"] = options.source or _source(options)
    if options.since:
        document["since"] = {"build": options.since, "unsure": options.unsure, "because": options.because}
    path = options.directory / f"{options.engine}-{document['build']}.json"
    path.write_text(serialized(document))
    print(f"{path}: {len(document['options'])} options, {len(document['environment'])} variables")
    return 0


def capture_llama_cpp(options: argparse.Namespace) -> dict[str, Any]:
    program = ["docker", "run", "--rm", "--network", "none", options.image] if options.image else options.program
    # It says its version on standard error.
    version = subprocess.run([*program, "--version"], text=True, check=True, capture_output=True)
    return to_document(read_help(_run([*program, "--help"]), read_build(version.stdout + version.stderr)))


def capture_vllm(options: argparse.Namespace) -> dict[str, Any]:
    if options.image:
        return described(
            ["docker", "run", "--rm", "--interactive", "--network", "none", "--entrypoint", "python3", options.image]
        )
    return described([options.python])


def capture_xllamacpp(options: argparse.Namespace) -> dict[str, Any]:
    program = Path(__file__).with_name("describe_xllamacpp.py")
    return dict(json.loads(_run([options.python, str(program), str(ROOT / "roles/llama_cpp/files")])))


def described(python: list[str]) -> dict[str, Any]:
    script = (LISTS / "describe_vllm.py").read_text()
    return dict(json.loads(_run([*python, "-"], script)))


CAPTURES = {"llama_cpp": capture_llama_cpp, "vllm": capture_vllm, "xllamacpp": capture_xllamacpp}


def serialized(document: dict[str, Any]) -> str:
    """One line for each option, so that a new build can be compared with the one before."""
    lines = [f"  {json.dumps(option)}" for option in document["options"]]
    head = {name: value for name, value in document.items() if name != "options"}
    return json.dumps(head, indent=1)[:-2] + ',\n "options": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def _run(command: list[str], text: str | None = None) -> str:
    return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


def _source(options: argparse.Namespace) -> str:
    return options.image or " ".join(options.program) or options.python


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools.engine_options", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("engine", choices=CAPTURES)
    parser.add_argument("program", nargs="*", default=[], help="the program and its first words, after --")
    parser.add_argument("--image", default="", help="an image that Docker has")
    parser.add_argument("--python", default="python3", help="the Python that has the engine")
    parser.add_argument("--source", default="", help="what is noted as the source, in words")
    parser.add_argument(
        "--since", type=int, default=0, help="the oldest build that has the same options, but for --unsure"
    )
    parser.add_argument("--unsure", nargs="*", default=[], help="options that the oldest build does not have")
    parser.add_argument("--because", default="", help="how that is known")
    parser.add_argument("--directory", type=Path, default=LISTS, help="where the list is written")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
