# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories as people write them: an entry comes and goes, and every other character stays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.tools.models.document import with_entry, without_entry

PATH = ("hearth_models",)
SOURCE = "hf://owner/repo/new.gguf"
ENTRY = {"source": SOURCE, "slots": 2}

# What stands in a file, and what stands there with the entry `new`. `·` stands for the entry as it is usually written.
USUAL = f"  new:\n    source: {SOURCE}\n    slots: 2\n"
VAULT = "key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n"
TABLE = {
    "the usual": ("hearth_models:\n  a:\n    source: x\n", "hearth_models:\n  a:\n    source: x\n·"),
    "in the middle of others": (
        "# top\n---\nhearth_domain: d\nhearth_models:\n  a:\n    source: x  # why\n\n# keys\nhearth_api_keys:\n  - name: k\n",
        "# top\n---\nhearth_domain: d\nhearth_models:\n  a:\n    source: x  # why\n·\n# keys\nhearth_api_keys:\n  - name: k\n",
    ),
    "options that are commented out belong to their model": (
        "hearth_models:\n  a:\n    source: x\n    # slots: 4\n  # b:\n  #   source: y\n\n  # c is tried later\n\nother: 1\n",
        "hearth_models:\n  a:\n    source: x\n    # slots: 4\n  # b:\n  #   source: y\n\n  # c is tried later\n·\nother: 1\n",
    ),
    "a comment at the margin belongs to what follows": (
        "hearth_models:\n  a:\n    source: x\n# who may ask\nhearth_api_keys: []\n",
        "hearth_models:\n  a:\n    source: x\n·# who may ask\nhearth_api_keys: []\n",
    ),
    "no newline at the end": (
        "hearth_models:\n  a:\n    source: x",
        f"hearth_models:\n  a:\n    source: x\n{USUAL[:-1]}",
    ),
    "an end of the document": (
        "---\nhearth_models:\n  a:\n    source: x\n...\n",
        "---\nhearth_models:\n  a:\n    source: x\n·...\n",
    ),
    "four blanks": (
        "hearth_models:\n    a:\n        source: x\n",
        f"hearth_models:\n    a:\n        source: x\n    new:\n        source: {SOURCE}\n        slots: 2\n",
    ),
    "quoted": (
        "hearth_models:\n  'a':\n    source: \"x\"\n",
        f"hearth_models:\n  'a':\n    source: \"x\"\n  'new':\n    source: \"{SOURCE}\"\n    slots: 2\n",
    ),
    "each in brackets": (
        "hearth_models:\n  a: {source: x}  # small\n",
        f"hearth_models:\n  a: {{source: x}}  # small\n  new: {{source: {SOURCE}, slots: 2}}\n",
    ),
    "all in brackets": (
        "hearth_models: {a: {source: x}}  # all\nb: 1\n",
        f"hearth_models: {{a: {{source: x}}, new: {{source: {SOURCE}, slots: 2}}}}  # all\nb: 1\n",
    ),
    "brackets over lines, with a comma at the end": (
        "hearth_models: {\n  a: {source: x},  # first\n}\n",
        f"hearth_models: {{\n  a: {{source: x}},  # first\n  new: {{source: {SOURCE}, slots: 2}},\n}}\n",
    ),
    "brackets over lines, without one": (
        "hearth_models: {\n  a: {source: x}  # first, and last\n}\n",
        f"hearth_models: {{\n  a: {{source: x}},  # first, and last\n  new: {{source: {SOURCE}, slots: 2}}\n}}\n",
    ),
    "empty": ("hearth_models: {}\nb: 1\n", "hearth_models:\n·b: 1\n"),
    "empty, with a comment": ("hearth_models: { }  # none yet\n", "hearth_models:  # none yet\n·"),
    "empty over lines": (
        "hearth_models: {\n  # none yet\n}\n",
        f"hearth_models: {{\n  # none yet\n  new: {{source: {SOURCE}, slots: 2}}\n}}\n",
    ),
    "nothing": ("hearth_models:\nb: 1\n", "hearth_models:\n·b: 1\n"),
    "nothing, at the end": ("hearth_models:", f"hearth_models:\n{USUAL[:-1]}"),
    "null": ("hearth_models: ~  # none\n", "hearth_models:  # none\n·"),
    "an anchor that nobody uses": ("hearth_models: &m {}\n", "hearth_models: &m\n·"),
    "lines that end as in Windows": (
        "hearth_models:\r\n  a:\r\n    source: x\r\nb: 1\r\n",
        "hearth_models:\r\n  a:\r\n    source: x\r\n" + USUAL.replace("\n", "\r\n") + "b: 1\r\n",
    ),
    "tabs before comments": (
        "hearth_models:\t# ours\n  a:\n    source: x\t#\twhy\nb: 1\n",
        "hearth_models:\t# ours\n  a:\n    source: x\t#\twhy\n·b: 1\n",
    ),
    "other scripts": (
        "\ufeff# Größe: 模型 \U0001f525\nhearth_models:\n  a:\n    source: 'é\u2028x'\n    # ≤ 8 GiB\n",
        f"\ufeff# Größe: 模型 \U0001f525\nhearth_models:\n  a:\n    source: 'é\u2028x'\n    # ≤ 8 GiB\n  new:\n    source: '{SOURCE}'\n    slots: 2\n",
    ),
    "a text in a block behind it": (
        "hearth_models:\n  a:\n    source: x\n    options:\n      chat-template: |\n        {{ a }}\n\n        # no comment\n\nb: 1\n",
        "hearth_models:\n  a:\n    source: x\n    options:\n      chat-template: |\n        {{ a }}\n\n        # no comment\n·\nb: 1\n",
    ),
    "a text that keeps its blank lines": (
        "hearth_models:\n  a:\n    source: x\n    options:\n      t: |+\n        z\n\n\nb: 1\n",
        "hearth_models:\n  a:\n    source: x\n    options:\n      t: |+\n        z\n\n\n·b: 1\n",
    ),
    "a folded text": (
        "hearth_models:\n  a:\n    source: >-\n      x\n\nb: 1\n",
        "hearth_models:\n  a:\n    source: >-\n      x\n·\nb: 1\n",
    ),
    "anchors and merges": (
        "x-base: &base\n  slots: 4\nhearth_models:\n  a:\n    <<: *base\n    source: x\n  b: &b\n    source: y\n  c: *b\nz: *base\n",
        "x-base: &base\n  slots: 4\nhearth_models:\n  a:\n    <<: *base\n    source: x\n  b: &b\n    source: y\n  c: *b\n·z: *base\n",
    ),
    "tags of Ansible": (
        f"{VAULT}hearth_models:\n  a:\n    source: !unsafe 'x{{{{'\n",
        f"{VAULT}hearth_models:\n  a:\n    source: !unsafe 'x{{{{'\n  new:\n    source: '{SOURCE}'\n    slots: 2\n",
    ),
    "a list that is not indented": (
        "hearth_models:\n  a:\n    source: x\n    files:\n    - '*.gguf'\n    - b # c\nb: 1\n",
        "hearth_models:\n  a:\n    source: x\n    files:\n    - '*.gguf'\n    - b # c\n·b: 1\n",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_an_entry_is_written_beside_the_others_and_nothing_else_changes(name: str) -> None:
    before, after = TABLE[name]
    assert with_entry(before, PATH, "new", ENTRY) == after.replace("·", USUAL)


# Of these the way back leads to an empty mapping, which is as good as what stood there.
TO_NOTHING = {name for name, (before, _after) in TABLE.items() if "source" not in before}


@pytest.mark.parametrize("name", TABLE)
def test_what_was_added_goes_without_a_trace(name: str) -> None:
    before, after = TABLE[name]
    text, comments = without_entry(after.replace("·", USUAL), PATH, "new")
    assert comments == ([8] if name == "options that are commented out belong to their model" else comments)
    if name in TO_NOTHING:
        assert not yaml.safe_load(text)["hearth_models"]
        assert [part for part in text.split() if part.startswith("#")] == [
            p for p in before.split() if p.startswith("#")
        ]
    elif name.startswith("brackets"):
        assert yaml.safe_load(text) == yaml.safe_load(before)
    else:
        assert text == before


def test_a_file_of_variables_in_json_stays_json() -> None:
    before = '{\n  "hearth_models": {\n    "a": {"source": "é"}\n  },\n  "hearth_domain": "d"\n}\n'
    after = with_entry(before, PATH, "new", ENTRY)
    assert json.loads(after)["hearth_models"] == {"a": {"source": "é"}, "new": ENTRY}
    assert without_entry(after, PATH, "new")[0] == before
    assert json.loads(with_entry('{"hearth_models": {}}', PATH, "new", ENTRY)) == {"hearth_models": {"new": ENTRY}}


def test_a_mapping_deep_in_a_file_of_hosts_is_found_by_its_path() -> None:
    before = (
        "all:\n  hosts:\n    h:\n      hearth_models:\n        a: {source: x}\n      ansible_user: u\n  vars: {b: 1}\n"
    )
    path = ("all", "hosts", "h", "hearth_models")
    after = with_entry(before, path, "new", {"source": "s"})
    assert after == before.replace("      ansible_user", "        new: {source: s}\n      ansible_user")
    assert without_entry(after, path, "new") == (before, [])


MODELS = """\
hearth_models:
  # The shop's own.
  a:
    source: x
    # slots: 4

  # Small, for a card of 8 GB:
  # and quick.
  b:
    source: y  # pinned
    options: {c: d}

  c: &c
    source: z
# Who may ask.
hearth_api_keys: []
"""


def test_of_a_removed_entry_its_own_comments_go_and_those_above_it_stay_and_are_told() -> None:
    text, comments = without_entry(MODELS, PATH, "b")
    assert text == MODELS.replace("  b:\n    source: y  # pinned\n    options: {c: d}\n", "")
    assert comments == [7, 8]
    text, comments = without_entry(MODELS, PATH, "a")
    assert text == MODELS.replace("  a:\n    source: x\n    # slots: 4\n", "")
    assert comments == [2]
    assert without_entry(MODELS, PATH, "c") == (MODELS.replace("  c: &c\n    source: z\n", ""), [])


def test_of_entries_between_blank_lines_one_blank_line_goes_along() -> None:
    text = "hearth_models:\n  a: {source: x}\n\n  b: {source: y}\n\n  c: {source: z}\n"
    assert without_entry(text, PATH, "b")[0] == "hearth_models:\n  a: {source: x}\n\n  c: {source: z}\n"


def test_the_last_entry_leaves_an_empty_mapping() -> None:
    text = "hearth_models:  # ours\n  # one\n  a:\n    source: x\nb: 1\n"
    assert without_entry(text, PATH, "a")[0] == "hearth_models: {}  # ours\n  # one\nb: 1\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('hearth_models: "{{ a | combine(b) }}"\n', "hearth_models is a template ({{ a | combine(b) }})"),
        ("hearth_models: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  31\n", "hearth_models is encrypted by Ansible Vault"),
        ("hearth_models: [a]\n", "hearth_models is no mapping of models"),
        ("hearth_models: text\n", "hearth_models is no mapping of models"),
        ("a: &a\n  b: {source: x}\nhearth_models: *a\n", "hearth_models stands in two places of the file at once"),
        ("hearth_models: &a\n  b: {source: x}\nc: *a\n", "hearth_models stands in two places of the file at once"),
        ("hearth_models: {b: {}}\nhearth_models: {c: {}}\n", "stands there twice, in lines 1 and 2"),
        ("hearth_models: {new: {source: x}}\n", "new stands there already"),
        ("a: &a {new: {source: x}}\nhearth_models:\n  <<: *a\n  b: {source: y}\n", "new stands there already"),
        ("hearth_models:\n  a: b: c\n", "it is no YAML that can be read"),
        ("hearth_models:\n  ? a\n  : {source: x}\n", "cannot be changed without changing something else"),
        ("b: 1\n", "hearth_models does not stand there"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(InputError) as refusal:
        with_entry(text, PATH, "new", ENTRY)
    assert why in refusal.value.message


def test_an_entry_that_others_are_made_of_stays() -> None:
    text = "hearth_models:\n  a: &a\n    source: x\n  b:\n    <<: *a\n    slots: 2\n"
    with pytest.raises(InputError, match="its anchor &a is used elsewhere in the file"):
        without_entry(text, PATH, "a")
    assert without_entry(text, PATH, "b")[0] == "hearth_models:\n  a: &a\n    source: x\n"
    merged = "x: &x {a: {source: y}}\nhearth_models:\n  <<: *x\n"
    with pytest.raises(InputError, match="a comes from an anchor"):
        without_entry(merged, PATH, "a")


PROJECT = Path(__file__).parents[4]
SHIPPED = [
    path
    for path in sorted([*PROJECT.glob("inventories/**/*.yml"), *PROJECT.glob("extensions/molecule/*/**/*.yml")])
    if re.search(r"^hearth_models:(?! *['\"{])", path.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(PROJECT)))
def test_in_every_inventory_of_the_repository_a_model_comes_and_goes_without_a_trace(path: Path) -> None:
    before = path.read_text()
    after = with_entry(before, PATH, "new", ENTRY)
    assert len(set(after.splitlines()) - set(before.splitlines())) <= 3
    assert without_entry(after, PATH, "new")[0] == before
