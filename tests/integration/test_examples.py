# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example that a reader may copy is judged as it would be at his: laid over an inventory, checked as a playbook, or read as what it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils import _description
from integration.conftest import PROJECT, environment

FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
PAGES = sorted([PROJECT / "README.md", *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("roles/*/README.md")])
# The inventory that a page's examples are laid over: that which the page tells of.
INVENTORIES = {
    "docs/sandwich_shop.md": "sandwich_shop",
    "docs/open_webui.md": "sandwich_shop",
    "docs/gpu_vm.md": "gpu_vm",
    "docs/fleet.md": "fleet",
    "docs/rpc.md": "rpc_cluster",
    "docs/kubernetes.md": "cpu_kubernetes",
}
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Example:
    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples_in(path: Path) -> list[Example]:
    text = path.read_text()
    found = []
    for fence in FENCE.finditer(text):
        indent = len(fence["indent"])
        lines = "".join(line[indent:] or "\n" for line in fence["text"].splitlines(keepends=True))
        line = text[: fence.start()].count("\n") + 1
        found.append(Example(str(path.relative_to(PROJECT)), line, fence["kind"], lines))
    return found


EXAMPLES = [example for page in PAGES for example in examples_in(page)]
YAML = [example for example in EXAMPLES if example.kind in ("yaml", "yml")]
SHELL = [example for example in EXAMPLES if example.kind == "sh"]


@cache
def inputs_of_roles() -> dict[str, set[str]]:
    """Every variable that a role takes, by the role."""
    specs = {
        path.parts[-3]: yaml.safe_load(path.read_text()) for path in PROJECT.glob("roles/*/meta/argument_specs.yml")
    }
    return {
        role: {name for entry in spec["argument_specs"].values() for name in entry.get("options", {})}
        for role, spec in specs.items()
    }


def run(home: Path, program: str, *arguments: Any) -> str:
    process = subprocess.run(
        [BIN / program, *map(str, arguments)],
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert "[WARNING]" not in process.stdout, process.stdout
    return process.stdout


def test_every_block_says_what_it_is() -> None:
    nameless = [
        str(example)
        for example in EXAMPLES
        if not example.kind and "─" not in example.text and re.search(r"^\w+:", example.text, re.MULTILINE)
    ]
    assert nameless == []
    unknown = {example.kind for example in EXAMPLES} - {
        "",
        "yaml",
        "sh",
        "text",
        "json",
        "ini",
        "powershell",
        "python",
        "http",
    }
    assert unknown == set()
    assert len(YAML) >= 4


@pytest.mark.parametrize("example", YAML, ids=str)
def test_an_example_is_right_where_a_reader_would_write_it(example: Example, tmp_path: Path) -> None:
    content = yaml.safe_load(example.text)
    if isinstance(content, list):
        if not {"hosts", "import_playbook", "ansible.builtin.import_playbook"} & set(content[0]):
            content = [{"name": "Do what the example says", "hosts": "all", "gather_facts": False, "tasks": content}]
        play = tmp_path / "play.yml"
        play.write_text(yaml.safe_dump(content, sort_keys=False))
        named = ",".join(sorted({"localhost", *(play.get("hosts", "localhost") for play in content)} - {"all"}))
        run(tmp_path, "ansible-playbook", "--syntax-check", "-i", f"{named},", play)
    elif "collections" in content or content.get("version") == 3:
        # A requirements file of Ansible Galaxy, or the definition of an execution environment: other programs' files.
        assert all(isinstance(name, str) for name in content)
    elif is_inventory(content):
        (tmp_path / "hosts.yml").write_text(example.text)
        assert json.loads(run(tmp_path, "ansible-inventory", "-i", tmp_path / "hosts.yml", "--list"))["_meta"][
            "hostvars"
        ]
    else:
        described(example, content, tmp_path)


def test_every_role_takes_what_its_example_gives(tmp_path: Path) -> None:
    """Of each role only Ansible's own comparison with its argument specification runs, which has the tag always."""
    roles = [example for example in YAML if re.fullmatch(r"roles/\w+/README\.md", example.page)]
    plays = [play for example in roles for play in yaml.safe_load(example.text) if "roles" in play]
    for play in plays:
        play.update(hosts="all", gather_facts=False, become=False)
    inventory = tmp_path / "inventory"
    shutil.copytree(
        PROJECT / "inventories/single_host", inventory, ignore=shutil.ignore_patterns(".secrets", ".models.lock.yml")
    )
    (tmp_path / "haproxy.cfg").write_text("defaults\n")
    playbook = tmp_path / "plays.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    shown = run(
        tmp_path,
        "ansible-playbook",
        "--check",
        "--tags",
        "no_task_has_this",
        playbook,
        "-i",
        inventory,
        "-e",
        json.dumps(here),
    )
    validated = set(re.findall(r"TASK \[hearth\.llm\.(\w+) : Validating arguments", shown))
    assert validated == {path.name for path in (PROJECT / "roles").iterdir() if path.is_dir()}


def is_inventory(content: dict[str, Any]) -> bool:
    return all(isinstance(group, dict) and set(group) <= {"hosts", "children", "vars"} for group in content.values())


def described(example: Example, content: dict[str, Any], home: Path) -> None:
    """Variables of an inventory: each is known, and the whole description is right with them."""
    owners = {name: role for role, names in inputs_of_roles().items() for name in names}
    strangers = [
        name
        for name in content
        if name not in _description.VARIABLES
        and name not in owners
        and not name.startswith(("ansible_", "shop_", "gpu_vm_"))
    ]
    assert strangers == [], "nothing reads these variables"
    inventory = home / "inventory"
    shutil.copytree(
        PROJECT / "inventories" / INVENTORIES.get(example.page, "single_host"),
        inventory,
        ignore=shutil.ignore_patterns(".secrets"),
    )
    (inventory / "documents").mkdir(exist_ok=True)
    (inventory / "documents/paper.md").write_text("The secret of the Club sandwich is smoked paprika.\n")
    for name in re.findall(r"inventory_dir (?:\}\}|~ ')/([\w./-]+)", example.text):
        (inventory / name).parent.mkdir(parents=True, exist_ok=True)
        if not (inventory / name).exists():
            (inventory / name).write_text("something\n")
    laid_over = home / "example.yml"
    laid_over.write_text(example.text)
    run(home, "ansible-playbook", PROJECT / "playbooks/check.yml", "-i", inventory, "-e", f"@{laid_over}")


@pytest.mark.parametrize("example", SHELL, ids=str)
def test_a_command_names_what_is_there(example: Example, tmp_path: Path) -> None:
    script = tmp_path / "example.sh"
    script.write_text(example.text)
    subprocess.run(["sh", "-n", script], check=True)
    named = re.findall(
        r"(?<![\w./~-])((?:playbooks|inventories|examples|roles|tools|benchmarks|tests|docs)/[\w./-]+|site\.yml|hearth(?= ))",
        example.text,
    )
    copied = dict(re.findall(r"cp -r (inventories/\w+) (inventories/\w+)", example.text))
    mine = set(copied.values()) | {"inventories/mine", "inventories/mine_aws"}
    missing = [
        path
        for path in named
        if not (PROJECT / path).exists() and not any(path == own or path.startswith(own + "/") for own in mine)
    ]
    assert missing == []
    for playbook in re.findall(r"hearth\.llm\.(\w+)(?= |$)", example.text):
        assert (PROJECT / "playbooks" / f"{playbook}.yml").exists(), playbook


def test_the_examples_of_every_module_are_tasks_with_options_that_it_has(tmp_path: Path) -> None:
    modules = [f"hearth.llm.{path.stem}" for path in sorted(PROJECT.glob("plugins/modules/*.py"))]
    pages = json.loads(run(tmp_path, "ansible-doc", "--json", *modules))
    tasks, unknown = [], []
    for module, page in pages.items():
        for task in yaml.safe_load(page["examples"]):
            tasks.append(task)
            unknown += [f"{module}: {name}" for name in task.get(module) or {} if name not in page["doc"]["options"]]
    assert len(pages) == len(modules)
    assert unknown == []
    play = tmp_path / "play.yml"
    play.write_text(yaml.safe_dump([{"name": "Examples", "hosts": "all", "gather_facts": False, "tasks": tasks}]))
    run(tmp_path, "ansible-playbook", "--syntax-check", "-i", "localhost,", play)
