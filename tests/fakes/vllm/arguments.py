# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, read as vLLM reads it: what stands in --config goes before, and what is unknown ends the program."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm serve")
    parser.add_argument("model_tag")
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--api-key", nargs="+", default=[])
    parser.add_argument("--middleware", action="append", default=[])
    parser.add_argument("--max-model-len", type=int, default=2048)
    parser.add_argument("--max-num-seqs", type=int, default=256)
    parser.add_argument("--max-num-batched-tokens", type=int)
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.92)
    parser.add_argument("--kv-cache-dtype", default="auto")
    parser.add_argument("--quantization")
    parser.add_argument("--tensor-parallel-size", type=int, default=1)
    parser.add_argument("--override-generation-config", type=json.loads, default={})
    parser.add_argument("--otlp-traces-endpoint")
    parser.add_argument("--enable-prefix-caching", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--enable-chunked-prefill", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--runner", default="auto")
    arguments = parser.parse_args(with_config(list(words)))
    # For tests: an engine that does something else than what it was told.
    arguments.max_model_len = int(os.environ.get("OMP_FAKE_MAX_MODEL_LEN", arguments.max_model_len))
    return arguments


def with_config(words: list[str]) -> list[str]:
    if "--config" not in words:
        return words
    place = words.index("--config")
    # JSON, which is YAML as well.
    config = json.loads(Path(words[place + 1]).read_text())
    given = [word for name, value in config.items() for word in (f"--{name}", *map(str, value))]
    return [words[0], *given, *words[1:place], *words[place + 2 :]]
