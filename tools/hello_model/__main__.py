# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tools/hello_model --name NAME --say SENTENCE FILE.gguf: makes a tiny model that always answers SENTENCE."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

# The clone's link to itself: the program runs without any set-up.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".collections"))

from ansible_collections.hearth.llm.tools.hello_model.chain import CONTEXT_LENGTH, hello_model


def main() -> int:
    parser = argparse.ArgumentParser(prog="hello_model", description=__doc__)
    parser.add_argument("--name", required=True, help="general.name of the model")
    parser.add_argument("--say", required=True, metavar="SENTENCE", help="the answer to everything, of any length")
    parser.add_argument("--context", type=int, default=CONTEXT_LENGTH, help="tokens (default: %(default)s)")
    parser.add_argument("file", type=Path, metavar="FILE.gguf")
    arguments = parser.parse_args()
    try:
        data = hello_model(arguments.name, arguments.say, context_length=arguments.context)
    except ValueError as error:
        parser.error(str(error))
    arguments.file.write_bytes(data)
    print(f"{hashlib.sha256(data).hexdigest()}  {arguments.file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
