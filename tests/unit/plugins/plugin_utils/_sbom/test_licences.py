# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a licence, by the file that the role has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils._sbom.licences import judged

FILE = Path(__file__).parents[5] / "roles/sbom/files/licences.yml"
KNOWN: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["licences"]


def test_every_entry_says_what_it_means_and_where_that_stands() -> None:
    for entry in KNOWN:
        assert set(entry) == {"names", "use", "words", "source"}
        assert entry["use"] in ("free", "conditions", "not_commercial")
        assert entry["source"].startswith("https://")
        assert all(name == name.lower() for name in entry["names"])


@pytest.mark.parametrize(
    ("card", "header", "use", "words"),
    [
        ({"license": "apache-2.0"}, {"license": "apache-2.0"}, "free", ""),
        ({"license": "cc-by-nc-4.0"}, {}, "not_commercial", "may not be used commercially (cc-by-nc-4.0,"),
        ({}, {"license": "CC-BY-NC-SA-4.0"}, "not_commercial", "may not be used commercially"),
        ({"license": "llama3.1"}, {}, "conditions", "700 million monthly users"),
        ({"license": "gemma"}, {}, "conditions", "Google's policy of prohibited use"),
        ({"license": "other", "license_name": "MNPL", "license_link": "https://x.example"}, {}, "not_commercial", "(mnpl, https://x.example)"),
        ({"license": "other", "license_name": "yi-own", "license_link": "https://x.example"}, {}, "unknown", "read its text, at https://x.example,"),
        ({"license": "other"}, {"license": "apache-2.0"}, "free", "has the licence other by its card and apache-2.0 by its file's header"),
        ({"license": "other"}, {}, "unknown", "has the licence 'other', which is not known here"),
        ({}, {}, "unknown", "names no licence"),
        ({"license": "apache-2.0"}, {"license": "llama3"}, "free", "has the licence apache-2.0 by its card and llama3 by its file's header"),
    ],
)  # fmt: skip
def test_a_licence_is_told_in_words(card: dict[str, str], header: dict[str, str], use: str, words: str) -> None:
    licence = judged(card, header, KNOWN)
    assert licence.use == use
    assert [words in said for said in licence.findings] == ([True] if words else [])
