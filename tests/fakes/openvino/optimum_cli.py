#!/usr/bin/env python3
# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""optimum-cli without what it does: it takes the same words as `export openvino` of optimum-intel 2.2.0, says what that says, and writes files of the same
names. A model whose directory has `refused` in it ends as the real one does; beside `waiting` it does not end by itself."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

NAMES = (
    "openvino_model.xml",
    "openvino_model.bin",
    "openvino_tokenizer.xml",
    "openvino_tokenizer.bin",
    "openvino_detokenizer.xml",
    "openvino_detokenizer.bin",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="optimum-cli")
    parser.add_argument("export")
    parser.add_argument("openvino")
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--task", required=True)
    parser.add_argument("--weight-format", required=True, choices=["int4", "int8", "fp16"])
    parser.add_argument("--group-size", type=int)
    parser.add_argument("--ratio", type=float)
    parser.add_argument("--sym", action="store_true")
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    said = {name: str(value) for name, value in vars(given).items()}
    said.update({name: os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN")})
    print("Loading weights:   0%|          | 0/47\rLoading weights: 100%|####| 47/47", file=sys.stderr)
    if (given.model / "refused").exists():
        print('Traceback (most recent call last):\n  File "x.py", line 1\nValueError: Unrecognized model in it.')
        return 1
    print("Applying Weight Compression ━━━━━━━━━━━━━━━╸          60% • 0:00:01 • 0:00:02", flush=True)
    given.output.mkdir(exist_ok=True)
    (given.output / NAMES[0]).write_text("<half/>")
    while (given.model / "waiting").exists():
        time.sleep(0.02)
    for name in NAMES:
        (given.output / name).write_text(f"{name} of {given.weight_format}\n")
    (given.output / "config.json").write_text(json.dumps(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
