# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description is edited where Ansible reads it from, and where that is not clear it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.tools.models.inventory import choose, look, read, write

HOSTS = "all:\n  hosts: {one: , two: }\n  children:\n    gpu: {hosts: {two: }}\n    spare: {hosts: {}}\n"
MODELS = "hearth_models:\n  {}: {{source: x}}\n"


def made(directory: Path, files: dict[str, str]) -> list[str]:
    for name, text in {"hosts.yml": HOSTS, **files}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return [str(directory)]


def where(directory: Path, files: dict[str, str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """For each place its owner, and for whom it counts."""
    found = look(made(directory, files))
    return {str(place.file.relative_to(directory)): (place.owner, place.hosts) for place in found.places}


ALL = MODELS.format("a")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"group_vars/all.yml": ALL}, {"group_vars/all.yml": ("all", ("one", "two"))}),
        ({"group_vars/all": ALL}, {"group_vars/all": ("all", ("one", "two"))}),
        (
            {"group_vars/all/models.yml": ALL, "group_vars/all/deep/other.yaml": "b: 1"},
            {"group_vars/all/models.yml": ("all", ("one", "two"))},
        ),
        (
            {"group_vars/all.yml": ALL, "group_vars/gpu.yml": ALL, "group_vars/spare.yml": ALL},
            {
                "group_vars/all.yml": ("all", ("one",)),
                "group_vars/spare.yml": ("spare", ()),
                "group_vars/gpu.yml": ("gpu", ("two",)),
            },
        ),
        (
            {"group_vars/gpu.yml": ALL, "host_vars/two.yml": ALL},
            {"group_vars/gpu.yml": ("gpu", ()), "host_vars/two.yml": ("two", ("two",))},
        ),
        (
            {
                "hosts.yml": HOSTS.replace("{one: , two: }", "{one: {hearth_models: {a: {}}}, two: }"),
                "group_vars/all.yml": ALL,
            },
            {"group_vars/all.yml": ("all", ("two",)), "hosts.yml": ("one", ("one",))},
        ),
        (
            {"hosts.yml": HOSTS.replace("{hosts: {two: }}", "{hosts: {two: }, vars: {hearth_models: {a: {}}}}")},
            {"hosts.yml": ("gpu", ("two",))},
        ),
        # Variables of a group in a file of hosts count less than group_vars/all.
        (
            {
                "hosts.yml": HOSTS.replace("{hosts: {two: }}", "{hosts: {two: }, vars: {hearth_models: {a: {}}}}"),
                "group_vars/all.yml": ALL,
            },
            {"hosts.yml": ("gpu", ()), "group_vars/all.yml": ("all", ("one", "two"))},
        ),
    ],
)
def test_it_is_found_with_the_hosts_for_which_it_counts(
    tmp_path: Path, files: dict[str, str], expected: dict[str, tuple[str, tuple[str, ...]]]
) -> None:
    assert where(tmp_path, files) == expected


def test_of_several_places_one_has_to_be_named(tmp_path: Path) -> None:
    sources = made(tmp_path, {"group_vars/all.yml": ALL, "host_vars/two.yml": MODELS.format("b")})
    found = look(sources)
    with pytest.raises(
        InputError,
        match=r"stands in several places \(.*all\.yml, line 1, for every host; .*for two\): say by --host or --file",
    ):
        choose(found, sources)
    assert choose(found, sources, owner="two").hosts == ("two",)
    assert choose(found, sources, file=str(tmp_path / "group_vars/all.yml")).owner == "all"
    # A name that stands in one of them says which is meant.
    assert choose(found, sources, name="b").owner == "two"
    with pytest.raises(InputError, match=r"c is not described: described are a, b\."):
        choose(found, sources, name="c")
    with pytest.raises(InputError, match=r"does not stand for gpu, but in .*all\.yml, line 1, for every host"):
        choose(found, sources, owner="gpu")


def test_one_that_counts_for_nobody_is_not_meant(tmp_path: Path) -> None:
    sources = made(tmp_path, {"group_vars/all.yml": ALL, "group_vars/spare.yml": ALL})
    assert choose(look(sources), sources).owner == "all"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("group_vars/all.yml", "$ANSIBLE_VAULT;1.1;AES256\n3132\n", "all.yml is encrypted by Ansible Vault"),
        ("hosts.ini", "[all:vars]\nhearth_models={}\n", "hosts.ini has hearth_models in one line of an INI file"),
        ("group_vars/all.yml", "b: 1\n", "write the line `hearth_models: {}` into a plain file"),
    ],
)
def test_where_it_cannot_be_edited_it_says_why(tmp_path: Path, name: str, text: str, why: str) -> None:
    sources = made(tmp_path, {name: text})
    with pytest.raises(InputError) as refusal:
        choose(look(sources), sources)
    assert why in refusal.value.message


def test_a_file_is_replaced_through_a_link_with_its_mode_and_never_over_another_change(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yml", tmp_path / "link.yml"
    real.write_bytes(b"a: 1\r\n")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "a: 1\r\n", "a: 2\r\n")
    assert (real.read_bytes(), real.stat().st_mode & 0o777, link.is_symlink()) == (b"a: 2\r\n", 0o640, True)
    with pytest.raises(InputError, match="was changed by somebody else meanwhile"):
        write(link, "a: 1\r\n", "a: 3\r\n")
    assert read(link) == "a: 2\r\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yml", "real.yml"]
