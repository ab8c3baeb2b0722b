# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._preflight.finding import (
    as_text,
    counts,
    error,
    ok,
    verdict,
    warning,
)
from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size

FINDINGS = [
    ok("os", "Debian."),
    warning("ntp", "Nothing keeps it."),
    error("port:443", "Held."),
    warning("cpu", "Slow."),
]


def test_the_verdict_is_the_gravest_severity() -> None:
    assert verdict(FINDINGS) == "error"
    assert verdict(FINDINGS[:2]) == "warning"
    assert verdict([]) == "ok"


def test_every_severity_is_counted_also_where_there_is_none() -> None:
    assert counts(FINDINGS) == {"ok": 1, "notice": 0, "warning": 2, "error": 1}


def test_the_table_has_the_gravest_on_top_and_its_columns_aligned() -> None:
    assert as_text("preflight", FINDINGS).splitlines() == [
        "preflight: 1 error, 2 warnings, 1 ok",
        "error    port:443  Held.",
        "warning  ntp       Nothing keeps it.",
        "warning  cpu       Slow.",
        "ok       os        Debian.",
    ]


@pytest.mark.parametrize(
    ("number", "text"), [(12, "12 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes_read_well(number: int, text: str) -> None:
    assert as_size(number) == text
