# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPUs of a host as a table for people. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._sizes import as_size

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._gpu.devices import Gpu, LeftOut


def as_text(state: str, reasons: list[str], gpus: list[Gpu], left_out: list[LeftOut]) -> str:
    rows = [_row(gpu) for gpu in gpus]
    rows += [(f"{card.vendor} -", card.name, "left out", "", card.pci_address, "", "") for card in left_out]
    widths = [max(map(len, column)) for column in zip(*rows)] if rows else []
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([f"gpu: {state}", *reasons, *table])


def _row(gpu: Gpu) -> tuple[str, ...]:
    memory = "memory unknown" if gpu.memory_bytes is None else as_size(gpu.memory_bytes)
    parts = f"cut into {len(gpu.mig.devices)} parts (MIG)" if gpu.mig.enabled else ""
    driver = f"driver {gpu.driver}" if gpu.driver else "no driver"
    return (f"{gpu.vendor} {gpu.index}", gpu.name, memory, gpu.architecture, gpu.pci_address, driver, parts)
