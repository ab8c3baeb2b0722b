# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages lead somewhere, name what there is, and say in one place what has run where."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")]
# These name what is in the tree.
OF_CODE = ("CONTRIBUTING.md", "docs/architecture.md", "docs/extending.md")
SOURCES = (
    "plugins",
    "roles",
    "playbooks",
    "tests",
    "tools",
    "extensions",
    "benchmarks",
    "changelogs/config.yaml",
    "hearth",
)
TEXT = {"", ".cfg", ".j2", ".json", ".lua", ".py", ".toml", ".txt", ".yaml", ".yml"}
BASES = ("", "plugins/module_utils/", "plugins/", "roles/*/", "playbooks/")
HAS_RUN = re.compile(r"\b(has|have|had|was|were) (not |never )?(been )?run\b", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_link_leads_to_what_is_there(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page)):
        path, _sharp, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@cache
def sources() -> str:
    trees = [ROOT / tree for tree in SOURCES]
    files = [file for tree in trees for file in (tree.rglob("*") if tree.is_dir() else [tree])]
    return "\n".join(
        file.read_text()
        for file in files
        if file.suffix in TEXT and file.is_file() and file.name != Path(__file__).name
    )


@cache
def words() -> list[str]:
    return sorted(set(re.findall(r"[\w-]+", sources())))


def there_is(named: str) -> bool:
    """A path, whole or within one of the usual places, or words that the sources use. `<role>` stands for any."""
    pattern = re.sub(r"<[^>]+>", "*", named).strip("/")
    if "/" in pattern or re.search(r"\.(md|py|toml|txt|yml)$", pattern):
        tried = (f"{base}{pattern}{ending}" for base in BASES for ending in ("", ".py"))
        return any(next(ROOT.glob(one), None) for one in tried) or max(pattern.split("*"), key=len) in sources()
    return all(fnmatch.filter(words(), word) for word in pattern.split(".") if word)


@pytest.mark.parametrize("page", OF_CODE)
def test_each_name_in_code_font_is_in_the_tree(page: str) -> None:
    named = {text for text in re.findall(r"`([^`\n]+)`", prose(ROOT / page)) if re.fullmatch(r"[\w./<>-]+", text)}
    assert len(named) > 10
    assert sorted(text for text in named if not there_is(text)) == []


def imports(room: str) -> Iterator[str]:
    for file in (ROOT / f"plugins/module_utils/{room}").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield f"{node.module}."


@pytest.mark.parametrize(("room", "other"), list(permutations(("_fetch", "_gguf", "_anythingllm", "_open_webui"), 2)))
def test_rooms_do_not_know_each_other(room: str, other: str) -> None:
    there = list(imports(room))
    assert there
    assert not [module for module in there if f".module_utils.{other}." in module]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "tested.md"], ids=name)
def test_whoever_says_what_has_run_leads_to_the_page_of_it(page: Path) -> None:
    said = [piece for piece in re.split(r"\n\n|\n(?=- )", prose(page)) if HAS_RUN.search(piece)]
    assert [piece for piece in said if "tested.md" not in piece] == []


def test_the_versions_that_have_not_run_are_those_that_the_roles_ask_for() -> None:
    said = (ROOT / "docs/tested.md").read_text()
    for defaults in ROOT.glob("roles/*/defaults/main.yml"):
        for variable, value in (yaml.safe_load(defaults.read_text()) or {}).items():
            if variable.endswith("_image") and (found := re.search(r":\D*?[\w.{}' >-]*?(b?\d[\w.]*)$", str(value))):
                assert found[1] in said, f"{variable}: {value}"
