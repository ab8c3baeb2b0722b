# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of made-up hosts: valid whatever they hold, the same for the same, and compared in words."""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.difference import differences, table
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.document import document, invalid, stamped
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.licences import judged
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.models import bill_models

KNOWN = [{"names": ["apache-2.0"], "use": "free", "words": "may be", "source": "https://spdx.org"}]
SHA, OTHER = "a" * 64, "b" * 64


def host(*, sha256: str = SHA, tag: str = "1.0", models: int = 1) -> dict[str, Any]:
    image = {
        "reference": f"registry:5000/haproxy:{tag}",
        "id": f"sha256:{'c' * 64}",
        "digests": [f"sha256:{SHA if tag == '1.0' else OTHER}"],
        "version": "",
        "revision": "",
        "services": ["gateway"],
        "engine": "",
        "build": "",
    }
    there = [
        {
            "name": f"Qwen/Qwen3:{number}",
            "source": "hf://Qwen/Qwen3@main/*.gguf [a b]",
            "revision": "0" * 40,
            "files": [{"path": f"sub/{number}.gguf", "bytes": 3, "sha256": sha256}, {"path": "ö ü.txt", "bytes": 0, "sha256": ""}],
            "header": {"license": "apache-2.0"},
            "quantization": "Q4_K_M",
        }
        for number in range(models)
    ]  # fmt: skip
    return {
        "system": {"id": "debian", "name": "Debian", "version": "", "kernel": "6.1", "driver": "570.1"},
        "packages": [{"kind": "deb", "name": "libc6", "version": "1", "architecture": arch} for arch in ("amd64", "i386")],
        "images": [image],
        "environments": [{"name": name, "python": "", "packages": [["supervisor", "4.3"]]} for name in ("01", "02")],
        "models": bill_models(there, [{"name": "later", "source": "https://user:pass@x.example/m.gguf?sig=s"}], {}),
        "cards": {},
        "unread": {},
    }  # fmt: skip


def bill(**hosts: dict[str, Any]) -> str:
    licences = {
        (name, model["name"]): judged({}, model["header"], KNOWN) for name in hosts for model in hosts[name]["models"]
    }
    return document("shop", hosts, licences)


def test_the_same_hosts_make_the_same_valid_text() -> None:
    first = stamped(bill(door=host(), engine=host(models=2)), "")
    assert invalid(first) == ""
    assert stamped(bill(engine=host(models=2), door=host()), first) == first
    assert "pass" not in first
    assert "sig=" not in first
    changed = json.loads(stamped(bill(door=host()), first))
    assert (changed["serialNumber"], changed["version"]) == (json.loads(first)["serialNumber"], 2)
    assert "does not match" in invalid(first.replace(SHA, "no hash"))


def test_what_has_come_gone_and_changed_is_a_table_in_words() -> None:
    before, after = (json.loads(text) for text in (bill(door=host(models=2)), bill(door=host(sha256=OTHER, tag="1.1"))))
    assert differences(before, before) == []
    rows = [tuple(re.split("  +", line)) for line in table(differences(before, after))]
    assert rows == [
        ("changed", "door", "file", "Qwen/Qwen3:0/sub/0.gguf", f"sha256 {SHA[:12]} → {OTHER[:12]}"),
        ("changed", "door", "image", "registry:5000/haproxy (gateway)", f"version 1.0 → 1.1; sha256 {SHA[:12]} → {OTHER[:12]}"),
        ("removed", "door", "model", "Qwen/Qwen3:1", "0" * 40),
    ]  # fmt: skip
    added = differences(json.loads(bill(door=host())), json.loads(bill(door=host(), engine=host())))
    assert {row[:2] for row in added} == {("added", "engine")}
