# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made of each model, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_decimal_size

if TYPE_CHECKING:
    from typing import Mapping


def how(method: Mapping[str, Any]) -> str:
    if method["weights"] != "int4":
        return str(method["weights"])
    kind = "symmetric" if method["symmetric"] else "asymmetric"
    return f"int4, {kind}, groups of {method['group_size']}, ratio {float(method['ratio']):g}"


def table(models: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [("model", "weights", "before", "after", "smaller by")]
    for name, model in sorted(models.items()):
        before, after = int(model["bytes_before"]), int(model["bytes_after"])
        factor = f"{before / after:.2f}" if after else "not made yet"
        rows.append(
            (name, how(model["method"]), as_decimal_size(before), as_decimal_size(after) if after else "", factor)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
