# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""fit_plan beside the real llama.cpp of the runtime `process`: the same figures, and a remedy that is really loaded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.modules.fit_plan import argument_spec, run
from ansible_collections.hearth.llm.tools.hello_model import seer
from fakes.architectures import file, sight
from fakes.architectures.zoo import ZOO
from integration.wheel import serving

SHIPPED = Path(__file__).resolve().parents[2] / "files/models/hearth-mini.gguf"
MIB = 1 << 20
# What llama.cpp says before it loads a model, and again with the loaded one: MiB of weights, cache and compute buffers.
FIGURES = re.compile(r"- Host .*?= +(\d+) \+ +(\d+) \+ +(\d+)")
PICTURE = re.compile(r"reserve_compute_meta: +CPU compute buffer size = +([\d.]+) MiB")
LISTENING = re.compile(r"is served at")


def planned(model: dict[str, Any], **machine: Any) -> dict[str, Any]:
    spec = argument_spec()
    entry = {**{key: option.get("default") for key, option in spec["models"]["options"].items()}, **model}
    defaults = {key: option.get("default") for key, option in spec.items()}
    found = run({**defaults, "prompt_cache_mib": 0, **machine, "models": [entry]}, Host("/"), {})
    return dict(found["models"][0])


@contextmanager
def started(directory: Path, model: dict[str, Any]) -> Iterator[Path]:
    """The engine with the model, and its log."""
    slots = model.get("slots", 1)
    options = {
        "model": model["path"],
        "host": str(directory / "engine.sock"),
        "ctx-size": model["context_tokens"] * slots,
        "parallel": slots,
        "log-verbosity": 4,
        **model.get("options", {}),
    }
    with serving(directory, "engine", options):
        yield directory / "engine.log"


def awaited(log: Path, pattern: re.Pattern[str]) -> re.Match[str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = pattern.search(log.read_text(errors="replace"))
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace")[-2000:])


@pytest.mark.parametrize("name", ["codestral-22b-Q3_K_M", "gemma-3-12b-Q4_K_M", "gpt-oss-20b-MXFP4", "mamba-2.8b-Q8_0"])
def test_the_engine_says_what_was_planned(tmp_path: Path, name: str) -> None:
    path = file.write(tmp_path / "model.gguf", ZOO[name])
    model = {"name": name, "path": str(path), "context_tokens": 4096, "slots": 2}
    with started(tmp_path, model) as log:
        _weights, cache, compute = (int(number) for number in awaited(log, FIGURES).groups())
    (place,) = planned(model)["places"]
    assert cache <= place["cache_bytes"] / MIB < cache + 1
    # What the processor wants packed anew is in no figure of the engine's, but takes the place of what lies in the file.
    assert (place["cache_bytes"] + place["compute_bytes"]) / MIB == pytest.approx(cache + compute, rel=0.1)


@pytest.mark.parametrize("flash", ["on", "off"])
@pytest.mark.parametrize("projector", [sight.CLIP_L, sight.LARGER])
def test_the_engine_says_what_was_planned_for_a_picture(tmp_path: Path, projector: sight.Projector, flash: str) -> None:
    (tmp_path / "seer.gguf").write_bytes(seer.seeing_model())
    eyes = sight.write(tmp_path / "eyes.gguf", projector)
    model = {"name": "seer", "path": str(tmp_path / "seer.gguf"), "context_tokens": 512}
    options = {"flash-attn": flash, "mmproj": str(eyes)}
    with started(tmp_path, {**model, "options": options}) as log:
        said = float(awaited(log, PICTURE).group(1))
    (blind,) = planned({**model, "options": {"flash-attn": flash}})["places"]
    (seeing,) = planned({**model, "options": options})["places"]
    assert seeing["weight_bytes"] - blind["weight_bytes"] == eyes.stat().st_size
    assert (seeing["compute_bytes"] - blind["compute_bytes"]) / MIB == pytest.approx(said, rel=0.1)


def test_a_remedy_for_a_refused_model_is_really_loaded_with_less_than_there_is(tmp_path: Path) -> None:
    model = {"name": "mini", "path": str(SHIPPED), "context_tokens": 2048, "slots": 64}
    memory = 800 * MIB
    before = planned(model, memory_bytes=memory)
    assert before["verdict"] == "refused"
    remedy = next(one for one in before["remedies"] if "slots" in one["changes"])
    less = {**model, **{key: value for key, value in remedy["changes"].items() if key == "slots"}}
    (place,) = planned(less, memory_bytes=memory)["places"]
    room = place["total_bytes"] - place["overhead_bytes"]
    with started(tmp_path, less) as log:
        awaited(log, LISTENING)
        needed = sum(int(number) for number in awaited(log, FIGURES).groups())
        process = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{_pid(tmp_path)}/status").read_text())
    assert needed == pytest.approx(room / MIB, rel=0.1)
    assert process
    assert int(process.group(1)) << 10 < place["total_bytes"]


def _pid(directory: Path) -> int:
    """Of the engine, by its configuration's path on its command line."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        words = status.read_bytes().split(b"\0")
        if str(directory / "engine.json").encode() in words and b"sh" not in words[:1]:
            return int(status.parent.name)
    raise AssertionError("the engine does not run")
