# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof as a text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._exposure.proof import Proof


def table(proof: Proof, target: str, scanned: int) -> str:
    """What answers, port by port, then what is wrong."""
    rows = [("address", "port", "what answers")]
    for address, services in proof.services.items():
        rows += [(address, str(port), words) for port, words in services.items()]
        rows += [(address, "none", "nothing answers")] if not services else []
    lines = [f"{target}: {scanned} TCP ports of each address were tried in {proof.scan.seconds} s (UDP was not)."]
    lines += _aligned(rows)
    for door in proof.doors:
        if door["certificate_days_left"] is not None:
            lines.append(
                f"{door['url']} at {door['address']}: certificate valid for {door['certificate_days_left']:.0f} days"
            )
    if proof.findings:
        lines.append(f"not as declared ({len(proof.findings)}):")
        lines += [f"- {finding.sentence}" for finding in proof.findings]
    else:
        lines.append("Exactly what is declared answers.")
    return "\n".join(lines)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
