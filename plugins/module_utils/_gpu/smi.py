# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NVIDIA's driver says of its GPUs through nvidia-smi, if it says anything. PRIVATE to the collection."""

from __future__ import annotations

import csv
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._gpu import programs
from ansible_collections.hearth.llm.plugins.module_utils._gpu.cards import GIB
from ansible_collections.hearth.llm.plugins.module_utils._gpu.devices import Gpu, LeftOut, Mig, left_out

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

MIB = 1 << 20
FIELDS = "index,pci.bus_id,name,uuid,memory.total,memory.free,mig.mode.current,driver_version"
MISMATCH = "Driver/library version mismatch"
# Unable to determine the device handle for GPU0000:02:00.0: Unknown Error
# Later drivers: … for GPU0: 0000:02:00.0: Unknown Error
LOST = re.compile(r"Unable to determine the device handle for GPU\s*(?:\d+:\s+)?([0-9A-Fa-f:.]+\.\d):\s*([^\n]*)")
# What stands in a card's cells in the place of its memory when it works no more.
GIVEN_UP = re.compile(r"is lost|requires reset|Unknown Error|\bERR!")
MIG_DEVICE = re.compile(r"^\s+MIG (\S+)\s+Device\s+(\d+):\s+\(UUID: (MIG-[^)]+)\)", re.MULTILINE)
GPU_HEADING = re.compile(r"^GPU \d+: .*\(UUID: (GPU-[^)]+)\)", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    found: bool = False
    works: bool = False
    message: str = ""
    seconds: float = 0.0
    # Of the driver, as it says itself: under WSL nothing else does.
    version: str = ""

    @property
    def mismatch(self) -> bool:
        return MISMATCH in self.message


def ask(host: Host, known: list[Gpu], timeout: float) -> tuple[Answer, list[Gpu], list[LeftOut]]:
    """The driver's own words, the GPUs with what it knows better than the table of cards, and those that it has given up."""
    program = programs.find(host, "nvidia-smi")
    if not program:
        return Answer(message="nvidia-smi is not installed."), known, []
    question = [f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    began = time.monotonic()
    answer = programs.ask([program, *question], timeout)
    lost = {_address(bus_id): " ".join(why.split()) for bus_id, why in LOST.findall(answer.output)}
    sound = [gpu.pci_address for gpu in known if gpu.is_nvidia and gpu.pci_address not in lost]
    if lost and sound and not answer.succeeded:
        # One lost card keeps it from telling of the others.
        answer = programs.ask([program, f"--id={','.join(sound)}", *question], timeout)
    seconds = round(time.monotonic() - began, 3)
    if answer.status is None:
        return Answer(True, False, f"nvidia-smi gave no answer within {timeout:.0f} s.", seconds), known, []
    rows = [[cell.strip() for cell in row] for row in csv.reader(answer.output.splitlines())]
    rows = [row for row in rows if len(row) == len(FIELDS.split(",")) and row[0].isdigit()]
    lost.update({_address(row[1]): row[4].strip("[]") for row in rows if GIVEN_UP.search(row[4])})
    rows = [row for row in rows if _address(row[1]) not in lost]
    if not answer.succeeded or not rows:
        return Answer(True, False, " ".join(answer.output.split()), seconds), known, []
    parts = _parts(programs.ask([program, "-L"], timeout).output) if any(row[6] == "Enabled" for row in rows) else {}
    told = {_address(row[1]): row for row in rows}
    others = [gpu for gpu in known if not gpu.is_nvidia]
    listed = {gpu.pci_address: gpu for gpu in known if gpu.is_nvidia}
    gpus = [
        _told(listed.get(address) or Gpu(int(row[0]), row[2], "nvidia", address, "", None), row, parts)
        for address, row in told.items()
    ]
    # A card that the driver has given up is still plugged in.
    left = [
        left_out(gpu, f"nvidia-smi says of it: {lost[address]}" if address in lost else "nvidia-smi does not name it")
        for address, gpu in listed.items()
        if address not in told
    ]
    return Answer(True, True, "", seconds, rows[0][7]), [*gpus, *others], left


def _told(gpu: Gpu, row: list[str], parts: dict[str, list[dict[str, object]]]) -> Gpu:
    index, _bus, name, uuid, total, free, mig, _version = row
    memory = int(total) * MIB if total.isdigit() else gpu.memory_bytes
    return replace(
        gpu,
        index=int(index),
        name=name,
        uuid=uuid,
        memory_bytes=memory,
        memory_free_bytes=int(free) * MIB if free.isdigit() else None,
        memory_source="driver" if total.isdigit() else gpu.memory_source,
        mig=Mig(mig == "Enabled", parts.get(uuid, [])),
    )


def _parts(listing: str) -> dict[str, list[dict[str, object]]]:
    """UUID of each card to the parts that it has been cut into."""
    headings = list(GPU_HEADING.finditer(listing))
    ends = [heading.start() for heading in headings[1:]] + [len(listing)]
    return {
        heading[1]: [
            {"index": int(number), "profile": profile, "uuid": uuid, "memory_bytes": _memory(profile)}
            for profile, number, uuid in MIG_DEVICE.findall(listing[heading.end() : end])
        ]
        for heading, end in zip(headings, ends)
    }


def _memory(profile: str) -> int | None:
    """Of 1g.10gb: 10 GiB."""
    found = re.search(r"\.(\d+)gb", profile)
    return int(found[1]) * GIB if found else None


def _address(bus_id: str) -> str:
    """00000000:01:00.0, as the kernel writes it: 0000:01:00.0."""
    return bus_id.lower()[-len("0000:01:00.0") :]
