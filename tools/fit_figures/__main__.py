# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tools/fit_figures: asks llama.cpp how much memory it reserves, and writes down what it says for the tests of fit_plan.

The models are headers of well-known ones with holes for weights (tests/fakes/architectures). llama-server is that of Debian's package, in a container;
its GPUs are RPC devices, which have no limits of their own and are counted as any GPU is. Wants root or the group `docker`, and a minute.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / ".collections"), str(ROOT / "tests")]

from fakes.architectures import file  # noqa: E402
from fakes.architectures.ways import WAYS, options  # noqa: E402
from fakes.architectures.zoo import ZOO  # noqa: E402
from lab import engine, images  # noqa: E402
from lab.recipes import SLIM, Recipe  # noqa: E402

FIGURES = ROOT / "tests/unit/plugins/module_utils/_fit/llama_cpp_figures.json"
INSIDE = Path(__file__).with_name("inside.py")
IMAGE = Recipe(
    reference="hearth-lab/llama.cpp:figures",
    suite="forky",
    excluded=SLIM,
    packages=("llama.cpp-tools", "libggml0-backend-rpc", "python3-minimal", "libpython3-stdlib"),
    config={"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="fit_figures", description=__doc__)
    parser.add_argument("--to", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    engine.ensure()
    images.ensure([IMAGE])
    with TemporaryDirectory() as scratch:
        directory = Path(scratch)
        questions = []
        for name, model in ZOO.items():
            file.write(directory / f"{name}.gguf", model)
            questions += [
                {
                    "model": name,
                    "way": way_name,
                    "gpus": way.gpus,
                    "options": options(way, model),
                    "encoder": bool(model.traits.get("encoder")),
                }
                for way_name, way in WAYS.items()
            ]
        (directory / "questions.json").write_text(json.dumps(questions))
        answers = _ask(directory)
    # A row of numbers is read as a row.
    text = re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3]", json.dumps(answers, indent=1))
    arguments.to.write_text(text + "\n")
    print(f"{len(questions)} figures of {answers['version']} in {arguments.to}")
    return 0


def _ask(directory: Path) -> dict[str, object]:
    mounts = ["--volume", f"{directory}:/m:ro", "--volume", f"{INSIDE}:/inside.py:ro"]
    words = ["docker", "run", "--rm", "--network", "none", *mounts, IMAGE.reference, "python3", "/inside.py", "/m"]
    answers: dict[str, object] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return answers


if __name__ == "__main__":
    raise SystemExit(main())
