# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._certificates_plan import PRIVATE_NETWORKS, plan


def planned(directory: Path, **described: Any) -> dict[str, Any]:
    return plan(
        {
            "source": "private_ca",
            "host": "shop",
            "domain": "llm.example.com",
            "names": ["10.0.0.7", "2001:db8::1"],
            "permitted": ["example.com", "10.0.0.0/8", "2001:db8::1"],
            "directory": str(directory),
            "file": "",
            "key_file": "",
            "valid_days": "397",
            "renew_before_days": "30",
            **described,
        }
    )


def test_on_a_virgin_controller_both_are_due_and_nothing_is_wrong(tmp_path: Path) -> None:
    found = planned(tmp_path)
    assert (found["private"], found["due"], found["authority_due"]) == (
        True,
        ["there is none yet"],
        ["there is none yet"],
    )
    assert (found["outside"], found["refused"], found["given_faults"]) == ([], [], [])
    assert (found["path"], found["key_path"]) == (f"{tmp_path}/hosts/shop.pem", f"{tmp_path}/hosts/shop.key")
    assert not list(tmp_path.iterdir()), "it only looks"


def test_by_default_a_ca_may_sign_for_the_hosts_own_names_and_what_nobody_has_for_himself(tmp_path: Path) -> None:
    found = planned(tmp_path, permitted=[])
    assert found["permitted"] == ["llm.example.com", "2001:db8::1", *PRIVATE_NETWORKS]
    assert found["outside"] == []


def test_the_host_itself_comes_in_by_the_loopback_and_no_name_stands_twice(tmp_path: Path) -> None:
    found = planned(tmp_path, names=["localhost", "llm.example.com"])
    assert found["names"] == ["llm.example.com", "localhost"]


def test_names_are_written_as_the_modules_want_them(tmp_path: Path) -> None:
    found = planned(tmp_path)
    assert found["subject_alternative_names"] == [
        "DNS:llm.example.com",
        "IP:10.0.0.7",
        "IP:2001:db8::1",
        "DNS:localhost",
    ]
    assert found["name_constraints"] == [
        "DNS:example.com",
        "IP:10.0.0.0/8",
        "IP:2001:db8::1/128",
        "DNS:localhost",
        "IP:127.0.0.1/32",
        "IP:::1/128",
    ]


def test_a_name_that_the_authority_may_not_sign_for_is_told(tmp_path: Path) -> None:
    assert planned(tmp_path, names=["llm.example.org"])["outside"] == ["llm.example.org"]


@pytest.mark.parametrize(
    ("source", "there", "private"), [("acme", False, True), ("acme", True, False), ("files", False, False)]
)
def test_until_acme_has_given_one_the_private_authority_does(
    source: str, there: bool, private: bool, tmp_path: Path
) -> None:
    if there:
        (tmp_path / "acme").mkdir()
        (tmp_path / "acme/shop.pem").write_text("a certificate")
    assert planned(tmp_path, source=source)["private"] is private


def test_acme_is_for_names(tmp_path: Path) -> None:
    found = planned(tmp_path, source="acme")
    assert found["acme_names"] == ["llm.example.com", "10.0.0.7", "2001:db8::1"]
    assert found["acme_addresses"] == ["10.0.0.7", "2001:db8::1"]


def test_a_certificate_that_was_given_is_judged_only_where_it_is_used(tmp_path: Path) -> None:
    given = {"file": str(tmp_path / "none.pem"), "key_file": str(tmp_path / "none.key")}
    assert planned(tmp_path, **given)["given_faults"] == []
    assert planned(tmp_path, source="files", **given)["given_faults"] == ["there is none yet"]


def test_an_authority_that_is_broken_is_no_authority_that_is_due(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    (fault,) = planned(tmp_path)["authority_faults"]
    assert fault.startswith("it cannot be read")
