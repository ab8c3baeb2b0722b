# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked: texts of the profile, of a CSV file, shipped ones, or made ones of a known length. PRIVATE to the collection."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError

# More rows than this share of a file cannot be read: then it is another file than the one that was meant.
INVALID_SHARE = 0.10
# Of many lines the first few say what is wrong.
_NAMED_LINES = 20
_LONGEST = 10_000_000

SHIPPED: Mapping[str, tuple[str, ...]] = {
    "same": ("Explain in five sentences how a sandwich shop should plan its purchases for a week.",),
    "questions": (
        "What is the capital of France? Answer with one sentence.",
        "Write a short greeting for a customer who comes every day.",
        "Name three ways to keep bread fresh, and say why each works.",
        "Explain in plain words what a certificate of a web server is for.",
        "Write a Python function that counts the words of a text.",
        "Translate into German: The delivery comes tomorrow before nine o'clock.",
        "Summarize in two sentences why backups have to be tried out.",
        "What is the difference between a percentile and a mean? Give an example.",
        "Write a polite answer to a complaint about a cold soup.",
        "List the steps to replace a failed disk of a server.",
        "Explain recursion to a child of ten years.",
        "Write an SQL query that finds customers without an order in a year.",
        "Which questions should be asked before software is bought?",
        "Describe in a paragraph how rain is made.",
        "Give five names for a sandwich with cheese and pickles.",
        "Write a shell command that finds the ten largest files of a directory, and explain each part of it.",
        "What should stand in the minutes of a meeting?",
        "Compare tea and coffee in four sentences.",
        "Write a limerick about a slow printer.",
        "Explain why the sky is blue, first in one sentence, then in a paragraph.",
    ),
}
_WORDS = re.findall(
    r"\w+",
    "bread cheese tomato salad onion soup order customer table kitchen morning evening price delivery invoice paper window street winter summer "
    "number letter simple quick yellow green heavy light open close bring carry write read count answer question reason result",
)


@dataclass(frozen=True)
class Prompt:
    text: str
    model: str | None = None
    workspace: str | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True)
class Prompts:
    items: tuple[Prompt, ...]
    # Rows of a file that were left out, each with the reason.
    left_out: tuple[str, ...] = ()
    # Where they come from, in words.
    source: str = ""


def read(wanted: Any, seed: int) -> Prompts:
    """As `prompts` of a profile says it. InputError, in words that follow the name of the option."""
    if isinstance(wanted, str):
        if wanted.lower().endswith(".csv"):
            return _of_csv(_file(wanted), wanted)
        if wanted in SHIPPED:
            return Prompts(tuple(map(Prompt, SHIPPED[wanted])), source=wanted)
        raise InputError(
            f"profile.prompts is {wanted!r}: write {' or '.join(SHIPPED)}, the path of a CSV file (.csv), or a list of texts."
        )
    if isinstance(wanted, (list, tuple)):
        return Prompts(tuple(_given(number, item) for number, item in enumerate(wanted)), source="of the profile")
    if isinstance(wanted, Mapping) and isinstance(wanted.get("csv"), str):
        return _of_csv(wanted["csv"], str(wanted.get("name") or "the CSV text"))
    if isinstance(wanted, Mapping) and set(wanted) == {"words", "count"}:
        words, count = (_whole(f"profile.prompts.{name}", wanted[name]) for name in ("words", "count"))
        return Prompts(tuple(_made(words, count, seed)), source=f"{count} made ones of {words} words")
    raise InputError(
        "profile.prompts is neither a list of texts nor the name of shipped ones, the path of a CSV file, or words and count: write one of them."
    )


def described(prompts: Prompts) -> dict[str, Any]:
    """For the record of a run: their texts are in nobody's way."""
    whole = hashlib.sha256("\0".join(prompt.text for prompt in prompts.items).encode("utf-8", "replace")).hexdigest()
    return {
        "source": prompts.source,
        "count": len(prompts.items),
        "sha256": whole,
        "left_out": list(prompts.left_out),
    }


def _given(number: int, item: Any) -> Prompt:
    if isinstance(item, Mapping):
        unknown = set(item) - {"prompt", "model", "workspace"}
        if unknown:
            raise InputError(
                f"profile.prompts[{number}] has {', '.join(sorted(map(str, unknown)))}: a prompt has prompt, model and workspace."
            )
        text, model, workspace = item.get("prompt"), item.get("model"), item.get("workspace")
    else:
        text, model, workspace = item, None, None
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"profile.prompts[{number}] is no text, or an empty one: write what is to be asked.")
    return Prompt(text, str(model) if model else None, str(workspace) if workspace else None)


def _file(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read(_LONGEST + 1).decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"profile.prompts: {path} cannot be read ({error.strerror}): name a file with the columns prompt and workspace."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"profile.prompts: {path} is no UTF-8 (at byte {error.start}): save it as UTF-8.") from error


def _of_csv(text: str, name: str) -> Prompts:
    if len(text) > _LONGEST:
        raise InputError(
            f"profile.prompts: {name} has more than {_LONGEST // 1_000_000} MB: check that it is the file of prompts."
        )
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    items: list[Prompt] = []
    invalid: list[str] = []
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if "prompt" not in header or set(header) - {"prompt", "workspace", "model"}:
            raise InputError(
                f"profile.prompts: the first line of {name} is {','.join(header)[:100]!r}: it has to name the columns, prompt,workspace."
            )
        for row in rows:
            if not row:
                continue
            cells = dict(zip(header, (cell.strip() for cell in row)))
            if len(row) != len(header):
                invalid.append(f"line {rows.line_num}: {len(row)} columns instead of {len(header)}")
            elif not cells["prompt"]:
                invalid.append(f"line {rows.line_num}: no prompt")
            elif "workspace" in header and not cells["workspace"]:
                invalid.append(f"line {rows.line_num}: no workspace")
            else:
                items.append(Prompt(cells["prompt"], cells.get("model") or None, cells.get("workspace") or None))
    except csv.Error as error:
        raise InputError(f"profile.prompts: {name} is no CSV ({error}, line {rows.line_num}): mend it.") from error
    all_rows = len(items) + len(invalid)
    if len(invalid) > INVALID_SHARE * all_rows or not items:
        named = "; ".join(invalid[:_NAMED_LINES]) + (" …" if len(invalid) > _NAMED_LINES else "")
        raise InputError(
            f"profile.prompts: {len(invalid)} of {all_rows} rows of {name} cannot be asked ({named or 'there are none'}), and more than "
            f"{INVALID_SHARE:.0%} mean that it is not the right file: mend these lines."
        )
    return Prompts(tuple(items), tuple(invalid), name)


def _made(words: int, count: int, seed: int) -> Iterator[Prompt]:
    for number in range(count):
        chance = random.Random(f"{seed}/prompt/{number}")
        yield Prompt("Go on with this list: " + " ".join(chance.choice(_WORDS) for _word in range(words)))


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise InputError(f"{name} is {value!r}: write a whole number from 1 to 1000000.")
    return value
