# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tools/hearth_mini train|export|evaluate: makes and examines the models that ship with hearth.llm."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# The clone's link to itself: the program runs without any set-up but tools/hearth_mini/requirements.txt.
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

MODELS = ROOT / "files/models"
CHAT, EMBEDDING = "hearth-mini", "hearth-mini-embedding"
DOCUMENTS = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="hearth_mini", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    train = verbs.add_parser("train", help="make weights and tokenizer from nothing")
    train.add_argument("--from-stage", type=int, default=1, help="of the chat model, after what the directory holds")
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("directory", type=Path)

    export = verbs.add_parser("export", help="write what was trained as GGUF and as a Hugging Face folder")
    export.add_argument("--to", type=Path, default=MODELS)
    export.add_argument("directory", type=Path)

    evaluate = verbs.add_parser("evaluate", help="ask the exported model and print how often it is right")
    evaluate.add_argument("--models", type=Path, default=MODELS)
    evaluate.add_argument("--number", type=int, default=200, help="prompts of each skill (default: %(default)s)")
    evaluate.add_argument("--mistakes", type=int, default=0, help="wrong answers to show for each skill")
    evaluate.add_argument("--without-transformers", action="store_true")

    arguments = parser.parse_args()
    if arguments.verb == "train":
        from ansible_collections.hearth.llm.tools.hearth_mini.embedding import train_embedding
        from ansible_collections.hearth.llm.tools.hearth_mini.training import train_chat

        train_chat(arguments.directory, arguments.threads, arguments.from_stage)
        train_embedding(arguments.directory, arguments.threads)
    elif arguments.verb == "export":
        from ansible_collections.hearth.llm.tools.hearth_mini.export import export_chat, export_embedding

        export_chat(arguments.directory, arguments.to, CHAT)
        export_embedding(arguments.directory, arguments.to, EMBEDDING)
    else:
        from ansible_collections.hearth.llm.tools.hearth_mini.evaluation import evaluate as evaluate_model
        from ansible_collections.hearth.llm.tools.hearth_mini.evaluation import evaluate_embedding

        folder = None if arguments.without_transformers else arguments.models / CHAT
        evaluate_model(arguments.models / f"{CHAT}.gguf", folder, arguments.number, mistakes=arguments.mistakes)
        evaluate_embedding(arguments.models / f"{EMBEDDING}.gguf", DOCUMENTS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
