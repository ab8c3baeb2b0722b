# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._tls import plan

FILES = {"source": "files", "certificate": "/my/llm.pem", "key": "/my/llm.key"}


def paths(described: Any, directory: str = "/s") -> tuple[Any, ...]:
    found = plan(described, directory, "shop")
    return (found["authority"], found["shown"]["certificate"], found["shown"]["authority"], found["challenge_port"])


@pytest.mark.parametrize("described", [{}, None, "acme", {"source": "private_ca"}])
def test_a_private_ca_is_the_default(described: Any) -> None:
    assert paths(described) == ("/s/tls/ca.pem", "/s/tls/hosts/shop.pem", "/s/tls/ca.pem", 0)


def test_given_files_are_verified_by_whom_they_name() -> None:
    assert paths(FILES) == ("", "/my/llm.pem", "", 0)
    assert paths({**FILES, "authority": "/my/ca.pem"}) == ("/my/ca.pem", "/my/llm.pem", "/my/ca.pem", 0)


def test_before_the_first_certificate_by_acme_the_private_cas_is_shown(tmp_path: Path) -> None:
    ours, secrets = f"{tmp_path}/tls/hosts/shop.pem", str(tmp_path)
    assert paths({"source": "acme"}, secrets) == ("", ours, f"{tmp_path}/tls/ca.pem", 80)
    (tmp_path / "tls/acme").mkdir(parents=True)
    (tmp_path / "tls/acme/shop.pem").touch()
    assert paths({"source": "acme"}, secrets) == ("", f"{tmp_path}/tls/acme/shop.pem", "", 80)
    assert plan({"source": "acme"}, secrets, "shop")["account_key"] == f"{tmp_path}/tls/acme/account.key"


def test_an_acme_server_is_lets_encrypts_unless_another_is_named() -> None:
    assert plan({"source": "acme"}, "", "")["acme"]["directory"].startswith("https://acme-v02.api.letsencrypt.org/")
    named = {"source": "acme", "acme": {"directory": "https://acme.lan/dir", "terms_agreed": True}}
    assert plan(named, "", "")["acme"] == {
        "directory": "https://acme.lan/dir",
        "terms_agreed": True,
        "contacts": [],
        "server_authority": "",
    }
