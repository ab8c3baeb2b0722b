# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials: of the shop as it is described, and of files, environments and packages that lie on a host."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.document import invalid
from fakes.hub import Hub
from integration.conftest import PROJECT, RECAP, WARNING, Runner, environment

MINI = PROJECT / "files/models/hearth-mini.gguf"
# The licences by the heads of the real cards.
CARDS = {
    "bartowski/Mistral-Nemo-Instruct-2407-GGUF": {"license": "apache-2.0"},
    "lmstudio-community/Codestral-22B-v0.1-GGUF": {
        "license": "other",
        "license_name": "mnpl",
        "license_link": "https://mistral.ai/licences/MNPL-0.1.md",
    },
    "nomic-ai/nomic-embed-text-v1.5-GGUF": {"license": "apache-2.0"},
}
SECRET = "sk-nobody-may-read-this"


class Shop:
    """The shop's inventory as it is shipped, with a lock file as its first run writes it. Its host is this machine."""

    def __init__(self, directory: Path, hub: Hub) -> None:
        self.directory, self.inventory = directory, directory / "inventory"
        self.hub = hub
        shutil.copytree(PROJECT / "inventories/sandwich_shop", self.inventory)
        described = yaml.safe_load((self.inventory / "group_vars/all/models.yml").read_text())["shop_models"]
        lock: dict[str, dict[str, Any]] = {}
        for name, model in described.items():
            _hf, _empty, owner, named, path = model["source"].split("/", 4)
            repository = f"{owner}/{named}"
            card = f"---\n{yaml.safe_dump(CARDS[repository])}---\n# {repository}\n"
            commit = hub.publish(repository, {"README.md": card, path: f"the weights of {name}"})
            sha256 = model.get("sha256", "3e24342164b3d94991ba9692fdc0dd08e3fd7362e0aacc396a9a5c54a544c3b7")
            lock[model["source"]] = {
                "revision": commit,
                "files": [{"path": path, "bytes": 12345, "sha256": sha256}],
            }
        (self.inventory / ".models.lock.yml").write_text(yaml.safe_dump(lock))
        self.lock = lock
        self.names = list(described)

    def bill(self, *options: str) -> tuple[int, str]:
        """How many tasks have changed something, and what was said, without line breaks."""
        here = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "hearth_directory": str(self.directory / "hearth"),
            "hearth_hub_endpoint": self.hub.url,
        }
        done = subprocess.run(
            [
                Path(sys.executable).parent / "ansible-playbook",
                PROJECT / "playbooks/sbom.yml",
                "-i",
                self.inventory,
                "-e",
                json.dumps(here),
                *options,
            ],
            cwd=self.directory,
            env={**environment(self.directory), "SECRET_OF_THE_ENVIRONMENT": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        assert done.returncode == 0, done.stdout
        assert not WARNING.search(done.stdout), done.stdout
        changed = sum(int(found[2]) for found in RECAP.findall(done.stdout))
        return changed, re.sub(r"\s+", " ", done.stdout)

    @property
    def text(self) -> str:
        return (self.inventory / ".sbom.cdx.json").read_text()


def components(read: Any, kind: str) -> dict[str, dict[str, Any]]:
    """By their names, on whatever host."""

    def walk(parts: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        for part in parts:
            _host, its, name = part["bom-ref"].split("/", 2)
            if its == kind:
                yield name, part
            yield from walk(part.get("components", []))

    return dict(walk((json.loads(read) if isinstance(read, str) else read)["components"]))


def said(component: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"].removeprefix("hearth:"): entry["value"] for entry in component.get("properties", [])}


def test_the_bill_of_the_shop_names_every_model_with_licence_and_hash(tmp_path: Path) -> None:
    with Hub(tmp_path / "hub") as hub:
        shop = Shop(tmp_path, hub)
        assert shop.bill("--check", "--diff")[0] == 1
        assert not (shop.inventory / ".sbom.cdx.json").exists()
        changed, words = shop.bill()
    assert changed == 1
    # What the owner of a shop has to know, and nothing of the others.
    assert "codestral may not be used commercially, only for research and tests (mnpl, https://mistral.ai/" in words
    assert "nemo may" not in words

    first = shop.text
    assert invalid(first) == ""
    assert '"specVersion": "1.6"' in first
    models = components(first, "model")
    assert sorted(models) == sorted(shop.names)
    for name, model in models.items():
        own = said(model)
        locked = next(entry for source, entry in shop.lock.items() if f"hf://{own['model:repository']}/" in source)
        assert model["type"] == "machine-learning-model"
        assert model["version"] == own["model:commit"] == locked["revision"]
        assert model["hashes"] == [{"alg": "SHA-256", "content": locked["files"][0]["sha256"]}]
        licence = model["licenses"][0]["license"]
        assert licence.get("id") == ("Apache-2.0" if name != "codestral" else None)
        assert own["licence:use"] == ("free" if name != "codestral" else "not_commercial")
    assert components(first, "system")
    assert SECRET not in first

    # The hub is gone, and what its cards have said of these commits is known: the same bytes.
    assert shop.bill()[0] == 0
    assert shop.text == first


def test_what_has_changed_on_a_host_shows_up(tmp_path: Path, playbook: Runner) -> None:
    (tmp_path / "source").mkdir()
    shutil.copy(MINI, tmp_path / "source/mini.gguf")
    (tmp_path / "source/notes.txt").write_text("beside it")
    library(tmp_path, "xllamacpp", "0.7.0")
    library(tmp_path, "Jinja2", "3.1.0")
    bill, before = tmp_path / "bill.json", tmp_path / "before.json"
    mini = tmp_path / "hearth/models/mini/mini.gguf"
    told = {
        "hearth_directory": str(tmp_path / "hearth"),
        "hearth_models_lock_file": str(tmp_path / "lock.yml"),
        "models_list": [{"name": "mini", "source": f"file://{tmp_path}/source", "files": ["*"]}],
        "sbom_file": str(bill),
        "sbom_packages": ["libc6", "glibc"],
    }
    change = (
        f"cp {bill} {before} && chmod u+w {mini} && printf ! | dd of={mini} conv=notrunc oflag=append status=none && "
        f"sed -i 's/Version: 3.1.0/Version: 3.1.6/' {tmp_path}/hearth/venvs/*/lib/*/site-packages/Jinja2-*/METADATA"
    )
    again = {"ansible.builtin.include_role": {"name": "hearth.llm.sbom"}}
    lacking = {
        "block": [{**again, "vars": {"sbom_hosts": ["localhost", "door"]}}],
        "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}],
    }
    tasks = [
        {"ansible.builtin.include_role": {"name": "hearth.llm.models"}},
        again,
        again,
        lacking,
        {"ansible.builtin.command": {"argv": ["sh", "-c", change]}, "changed_when": True},
        {**again, "vars": {"sbom_compare": str(before)}},
    ]
    said_of = playbook([{"hosts": "localhost", "gather_facts": False, "vars": told, "tasks": tasks}]).words

    old, new = json.loads(before.read_text()), json.loads(bill.read_text())
    assert invalid(before.read_text()) == ""
    model = components(old, "model")["mini"]
    assert said(model)["model:quantization"]
    assert {file["name"] for file in model["components"]} == {"mini.gguf", "notes.txt"}
    assert components(old, "engine")["llama.cpp (xllamacpp)"]["version"] == "xllamacpp 0.7.0"
    assert components(old, "package")
    # Nothing had changed when it was looked at for the second time.
    assert (old["version"], new["version"]) == (1, 2)
    assert new["serialNumber"] == old["serialNumber"]

    was, now = (components(read, "file")["mini/mini.gguf"]["hashes"][0]["content"][:12] for read in (old, new))
    assert was != now
    assert re.search(rf"changed +localhost +file +mini/mini\.gguf +sha256 {was} → {now}", said_of)
    assert re.search(r"changed +localhost +library +xllamacpp/jinja2 +version 3\.1\.0 → 3\.1\.6", said_of)
    assert "notes.txt" not in said_of
    assert "is of the whole installation, and door could not be looked at in this run" in said_of


def library(directory: Path, name: str, version: str) -> None:
    """As pip leaves one in an environment."""
    venv = directory / "hearth/venvs/0123456789ab"
    about = venv / f"lib/python3.11/site-packages/{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("version = 3.11.2\n")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nWords.\n")
