# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lock says of what hosts want, what stays when somebody cannot be asked, and what is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.hearth.llm.plugins.module_utils import _locked_packages
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.plugin_utils._lock import document
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.made import Host, Made, made
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.refusals import (
    image_as_locked,
    package_as_locked,
    unlocked,
)
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.table import Row, table
from ansible_collections.hearth.llm.plugins.plugin_utils._lock.wanted import wanted
from ansible_collections.hearth.llm.plugins.plugin_utils._registry import client as registries
from ansible_collections.hearth.llm.plugins.plugin_utils._registry.credentials import Registries
from ansible_collections.hearth.llm.plugins.plugin_utils._role_judgements import Judges
from fakes.registry import Registry, error

MADE = "2026-10-02T08:30:00Z"
NOTHING: dict[str, Any] = {"images": [], "engines": {}, "python": {}, "sources": [], "packages": False}
PACKAGES = {"installed": {"docker.io": "26.1"}, "candidates": {"docker.io": "26.2", "nvidia-container-toolkit": "1.17"}}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as started:
        yield started


def lock_of(
    tmp_path: Path,
    hosts: Mapping[str, Host],
    before: Mapping[str, Any] | None = None,
    models: Mapping[str, str] | None = None,
) -> Made:
    asker = registries.Registry(Client(attempts=1), Registries([], tmp_path / "config.json"))
    known = models or {}

    def read(sources: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        named = sorted(sources)
        return {name: known[name] for name in named if name in known}, [name for name in named if name not in known]

    return made(before or document.empty(), hosts, asker, read, ".models.lock.yml")


def wants(**parts: Any) -> dict[str, Any]:
    return {**NOTHING, **parts}


def test_what_has_not_moved_is_looked_at_and_not_taken(tmp_path: Path, registry: Registry) -> None:
    registry.push("tool", "1", created=MADE)
    hosts = {"one": Host(wants(images=[f"{registry.host}/tool:1"]), None)}
    first = lock_of(tmp_path, hosts)
    registry.asked.clear()
    second = lock_of(tmp_path, hosts, first.lock)
    assert [asked.method for asked in registry.asked] == ["HEAD"]
    assert second.newer == []
    assert document.text(first.lock) == document.text(second.lock)


def test_of_what_cannot_be_asked_the_old_entry_stays_and_all_is_told(tmp_path: Path, registry: Registry) -> None:
    registry.push("tool", "1", created=MADE)
    name, other = f"{registry.host}/tool:1", f"{registry.host}/other:2"
    first = lock_of(tmp_path, {"one": Host(wants(images=[name]), None)})
    registry.instead["tool/manifests/1"] = (403, {}, error("DENIED", "denied"))
    hosts = {"one": Host(wants(images=[name, other], sources=["hf://o/r/a.gguf"]), None)}
    second = lock_of(tmp_path, hosts, first.lock)
    assert len(second.findings) == 3
    assert second.lock["images"] == first.lock["images"]


def test_what_nobody_wants_any_more_goes_when_everybody_was_asked(tmp_path: Path) -> None:
    before = {**document.empty(), "images": {"gone:1": {"digest": "sha256:0"}}, "hosts": {"left": {"packages": {}}}}
    assert lock_of(tmp_path, {"one": Host(NOTHING, None)}, before).lock == document.empty()
    kept = lock_of(tmp_path, {"one": Host(NOTHING, None), "out": Host(None, None)}, before)
    assert kept.lock["images"] == before["images"]
    assert kept.lock["hosts"] == {}
    assert kept.notes == ["out is not in this run: nothing is known of its packages yet."]


def test_what_is_installed_is_locked_and_what_is_not_by_what_would_be(tmp_path: Path) -> None:
    result = lock_of(tmp_path, {"one": Host(wants(packages=True), PACKAGES)})
    assert result.lock["hosts"] == {"one": {"packages": {"docker.io": "26.1", "nvidia-container-toolkit": "1.17"}}}
    again = lock_of(tmp_path, {"one": Host(wants(packages=True), PACKAGES)}, result.lock)
    # The newest is not installed, and stays worth a word.
    assert again.newer == [Row("package", "docker.io on one", "26.1", "", "26.2", "")]


def test_a_host_that_is_off_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    before = {**document.empty(), "hosts": {"one": {"packages": {"docker.io": "26.1"}}}}
    result = lock_of(tmp_path, {"one": Host(wants(packages=True), None)}, before)
    assert result.lock["hosts"] == before["hosts"]
    assert result.notes == ["one does not answer: what is known of its packages stays as it was."]


def test_the_lock_that_was_read_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / ".hearth.lock.yml"
    path.write_text(document.text({**document.empty(), "python": {"a": "1"}}))
    lock_of(tmp_path, {"one": Host(wants(python={"b": "2"}), None), "out": Host(None, None)}, document.load(path))
    assert document.load(path)["python"] == {"a": "1"}


@pytest.mark.parametrize("text", ["- a list", "images: 1", "strange: {}", "{{", "images: [a]"])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".hearth.lock.yml"
    path.write_text(text)
    with pytest.raises(HearthError, match=r"the lock|The lock"):
        document.load(path)


def test_a_table_has_ages_where_moments_are_known() -> None:
    now = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    lines = table(
        [
            Row("image", "haproxy:3.2", "aaa", "2026-09-01T00:00:00Z", "bbb", "2026-11-30T00:00:00Z"),
            # Built the same way each time.
            Row("image", "same:1", "ccc", "1970-01-01T00:00:00Z", "ddd", ""),
        ],
        now,
    )
    assert lines[0].split() == ["what", "name", "locked", "age", "newest", "age"]
    assert lines[1].split() == ["image", "haproxy:3.2", "aaa", "91", "days", "bbb", "1", "day"]
    assert lines[2].split() == ["image", "same:1", "ccc", "-", "ddd", "-"]
    assert table([], now) == []


def test_each_thing_that_is_not_locked_is_named_with_what_to_do(tmp_path: Path) -> None:
    path, models = tmp_path / ".hearth.lock.yml", tmp_path / ".models.lock.yml"
    want = wants(
        images=["docker.io/library/a:1", "docker.io/library/a@sha256:" + "0" * 64],
        engines={"vllm 0.1": {"options": "vllm-0.1.json", "sha256": "1"}, "vllm 9": {"options": "", "sha256": ""}},
        python={"roles/service/files/supervisor.txt": "1"},
        sources=["hf://o/r/a.gguf", "hf://o/r/b.gguf"],
        packages=True,
    )
    assert [f"there is no lock {path}" in one for one in unlocked("llm", want, path, str(models))] == [True]
    path.write_text(document.text(document.empty()))
    models.write_text(yaml.safe_dump({"hf://o/r/a.gguf": {"revision": "1", "files": []}}))
    said = list(unlocked("llm", want, path, str(models)))
    named = ("library/a:1", "vllm 0.1", "supervisor.txt", "b.gguf", "a.gguf", "packages of llm")
    assert [name in one for name, one in zip(named, said, strict=True)] == [True] * len(named)
    assert all("lock.yml" in one for one in said)


def test_images_and_packages_become_what_was_locked(tmp_path: Path) -> None:
    path, digest = tmp_path / ".hearth.lock.yml", "sha256:" + "a" * 64
    entry = {"digest": digest, "created": MADE, "platforms": {"linux/amd64": digest}}
    host = {"packages": {"docker.io": "26.1.5+dfsg1-9+b9"}}
    path.write_text(
        document.text({**document.empty(), "images": {"docker.io/library/a:1": entry}, "hosts": {"llm": host}})
    )
    assert image_as_locked("docker.io/library/a:1", path) == f"docker.io/library/a@{digest}"
    assert image_as_locked("", path) == ""
    with pytest.raises(HearthError, match=r"docker\.io/library/a:2 is not in"):
        image_as_locked("docker.io/library/a:2", path)
    assert package_as_locked("docker.io", "llm", path) == "docker.io=26.1.5+dfsg1-9+b9"
    assert package_as_locked("python3-requests", "llm", path) == "python3-requests"
    assert package_as_locked("docker-ce=5:28", "llm", path) == "docker-ce=5:28"
    with pytest.raises(HearthError, match=r"no version of the package docker\.io for other"):
        package_as_locked("docker.io", "other", path)


def described(host: str = "llm", **variables: Any) -> dict[str, Any]:
    loader, groups = DataLoader(), {"all": ["llm"]}
    known = {"inventory_hostname": host, "groups": groups}
    return wanted(host, groups, variables, Judges(loader, Templar(loader), known))


def test_a_description_comes_to_the_images_of_the_roles_that_it_begins() -> None:
    models = {"mini": {"source": "hf://o/r/a.gguf"}, "own": {"source": "file:///srv/a.gguf"}}
    found = described(hearth_models=models, hearth_frontends={"open_webui": {}}, hearth_gpu_policy="none")
    names = [image.rpartition("/")[2].partition(":")[0] for image in found["images"]]
    assert names == ["haproxy", "llama.cpp", "llama.cpp", "open-webui"]
    assert list(found["engines"]) == ["llama_cpp 11176"]
    assert found["engines"]["llama_cpp 11176"]["options"].startswith("llama_cpp-")
    # What lies on the host already is locked by nobody.
    assert found["sources"] == ["hf://o/r/a.gguf"]
    assert found["packages"]
    assert found["python"] == {}


def test_processes_come_to_python_locks_and_to_no_image() -> None:
    found = described(
        hearth_models={"mini": {"source": "hf://o/r/a.gguf"}},
        hearth_frontends={"open_webui": {}},
        hearth_runtime="process",
    )
    assert found["images"] == []
    assert [name.rpartition("/")[2] for name in sorted(found["python"])] == [
        "xllamacpp.txt",
        "open_webui.txt",
        "supervisor.txt",
    ]
    assert [name.split()[0] for name in found["engines"]] == ["xllamacpp"]
    assert not found["packages"]


def test_what_is_wanted_on_request_alone_has_its_image_then_alone() -> None:
    later = {"mini": {"source": "hf://o/r/a.gguf", "load": "first_request"}}
    assert any("library/python" in image for image in described(hearth_models=later)["images"])
    more = described(hearth_models=later, hearth_valkey=True, hearth_otel_collector=True)["images"]
    assert [any(name in image for image in more) for name in ("valkey/", "otel/", "haproxy")] == [True] * 3


POLICY = """\
docker.io:
  Installed: 26.1.4
  Candidate: 26.1.5
  Version table:
     26.1.5 500
nvidia-container-toolkit:
  Installed: (none)
  Candidate: (none)
docker-ce:
  Installed: (none)
  Candidate: 5:28.5
"""


def test_versions_are_read_as_dpkg_and_apt_say_them() -> None:
    asked: list[tuple[str, ...]] = []

    def run(words: Any) -> str:
        asked.append(tuple(words))
        lines = "installed\tdocker.io\t26.1.4\tamd64\ninstalled\tbash\t5\tamd64\nconfig-files\trunc\t1\tamd64\n"
        return {"dpkg-query": lines, "apt-cache": POLICY}.get(words[0], "")

    installed, candidates = _locked_packages.versions(run)
    assert installed == {"docker.io": "26.1.4"}
    assert candidates == {"docker.io": "26.1.5", "docker-ce": "5:28.5"}
    # A Docker that is there is the one that counts.
    assert "docker-cli" not in asked[-1]
    assert not _locked_packages.is_kept("python3-docker")
