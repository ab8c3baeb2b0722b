# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine has to give, and what is left of it while models take their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import Need

# A name for all names no place in the list. A part of a card (MIG) has two numbers, and each has a serial number of the driver's.
_CDI_NUMBER = re.compile(r"=(\d+(?::\d+)?|(?:GPU|MIG)-[\w-]+)\Z")


@dataclass(frozen=True)
class Gpu:
    index: int
    name: str
    memory_bytes: int
    # Number of a part of the card (MIG), which is a GPU of its own for whoever is given it.
    part: int | None = None
    # As the driver names it, in CDI names as well.
    uuid: str = ""
    # Address of the worker that lends it, which is on another host and reached over RPC. Without a card it lends its host's memory and processor.
    worker: str = ""
    is_card: bool = True
    # How fast that host is reached, Mbit/s; 0: not known.
    link_mbits: int = 0

    @property
    def number(self) -> str:
        """As CDI and nvidia-smi write it, or where it is lent."""
        if self.worker:
            return f"{self.worker}/{self.index}"
        return f"{self.index}" if self.part is None else f"{self.index}:{self.part}"


@dataclass(frozen=True)
class Machine:
    gpus: tuple[Gpu, ...]
    memory_bytes: int
    # What stays free of each GPU and of the host's memory.
    gpu_reserve_bytes: int
    memory_reserve_bytes: int

    def capacity(self, device: int) -> int:
        """What models may take of a GPU, by its place in the list, or of the host's memory."""
        if device == HOST:
            return max(0, self.memory_bytes - self.memory_reserve_bytes)
        gpu = self.gpus[device]
        return max(0, gpu.memory_bytes - (self.gpu_reserve_bytes if gpu.is_card else self.memory_reserve_bytes))

    @property
    def devices(self) -> list[int]:
        return [*range(len(self.gpus)), HOST]


def gpus(given: Sequence[Mapping[str, Any]]) -> tuple[Gpu, ...]:
    """As M(hearth.llm.gpu_info) tells them. Those whose memory nobody knows, and those that our engines cannot use, are left out.

    Of a card that is cut into parts (MIG) nobody has the whole: its parts are there instead.
    """
    found: list[Gpu] = []
    for number, gpu in enumerate(given):
        if gpu.get("vendor", "nvidia") != "nvidia" or gpu.get("memory_bytes") is None:
            continue
        try:
            index, name = int(gpu.get("index", number)), str(gpu.get("name", "GPU"))
            mig = gpu.get("mig") or {}
            if mig.get("enabled"):
                parts = [part for part in mig.get("devices", []) if part.get("memory_bytes") is not None]
                found += [
                    Gpu(index, name, int(part["memory_bytes"]), int(part["index"]), str(part.get("uuid") or ""))
                    for part in parts
                ]
            else:
                found.append(Gpu(index, name, int(gpu["memory_bytes"]), uuid=str(gpu.get("uuid") or "")))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"gpus: {dict(gpu)!r} is no GPU. Give index, name and memory_bytes, as hearth.llm.gpu_info returns them."
            ) from error
    return tuple(found)


def lent(workers: Sequence[Mapping[str, Any]]) -> tuple[Gpu, ...]:
    """What workers of llama.cpp lend, in the order in which their head counts it: before its own GPUs (llama.cpp's src/llama.cpp,
    llama_prepare_model_devices)."""
    found: list[Gpu] = []
    for worker in workers:
        link = int(worker.get("link_mbits") or 0)
        cards = worker.get("gpus") or []
        found += [
            Gpu(
                number,
                str(card.get("name") or "GPU"),
                int(card["memory_bytes"]),
                worker=worker["address"],
                link_mbits=link,
            )
            for number, card in enumerate(cards)
        ]
        if not cards:
            memory = int(worker["memory_bytes"])
            found.append(Gpu(0, "RAM", memory, worker=worker["address"], is_card=False, link_mbits=link))
    return tuple(found)


def lent_to(addresses: Sequence[str], there: Sequence[Gpu]) -> tuple[int, ...]:
    """The places in the list of what these workers lend."""
    return tuple(place for place, gpu in enumerate(there) if gpu.worker in addresses)


def given_to(names: Sequence[str] | None, there: Sequence[Gpu]) -> tuple[int, ...] | None:
    """The GPUs of which a container is given the CDI names, such as nvidia.com/gpu=1, by their place in the list. None: all.

    Parts of cards (MIG) are planned with where they are named one by one: CUDA uses no more than one of them.
    """
    whole = tuple(place for place, gpu in enumerate(there) if gpu.part is None and not gpu.worker)
    everything = None if len(whole) == len(there) else whole
    if names is None:
        return everything
    numbers = [found.group(1) if found else None for found in (_CDI_NUMBER.search(name) for name in names)]
    if None in numbers:
        return everything
    if not any(gpu.uuid for gpu in there) and any("-" in (number or "") for number in numbers):
        # Nobody knows which of them it is.
        return everything
    return tuple(
        place
        for place, gpu in enumerate(there)
        if not gpu.worker and (gpu.number in numbers or (gpu.uuid and gpu.uuid in numbers))
    )


def why_none(given: Sequence[Mapping[str, Any]]) -> str:
    """What a person can do about GPUs that are there and cannot be planned with, as the end of a sentence; empty where there is none such."""
    for number, gpu in enumerate(given):
        index, name = gpu.get("index", number), gpu.get("name", "GPU")
        if gpu.get("vendor", "nvidia") != "nvidia":
            continue
        if (gpu.get("mig") or {}).get("enabled"):
            parts = (gpu.get("mig") or {}).get("devices") or []
            if not parts:
                return f": GPU {index} ({name}) is to be cut into parts (MIG), and has none. Cut it (nvidia-smi mig -cgi), or switch MIG off"
            return f": GPU {index} ({name}) is cut into parts (MIG). Name one of them in gpus, as nvidia.com/gpu={index}:{parts[0].get('index', 0)}"
        if gpu.get("memory_bytes") is None:
            return f": nobody says how much memory GPU {index} ({name}) has. Say it in fit_gpus, with index, name and memory_bytes"
    return ""


class Ledger:
    """Who takes what. Of models that make room for each other, the largest ones are counted that may be there at the same time. Each engine that has an
    instance of models has its seats for itself: first instances make room for first ones, second for second."""

    def __init__(self, machine: Machine, seats: int) -> None:
        self.machine = machine
        # 0: all at the same time.
        self._seats = seats
        self._lasting: list[Need] = []
        self._changing: dict[int, list[Need]] = {}

    def take(self, need: Need, number: int = 1, *, lasting: bool) -> None:
        """By the instance of this number of a model."""
        (self._lasting if lasting else self._changing.setdefault(number, [])).append(need)

    def room(self, device: int, number: int = 1, *, lasting: bool) -> int:
        """What is left on a device for one more model."""
        others = 0
        for mate, needs in self._changing.items():
            totals = sorted((need.total(device) for need in needs), reverse=True)
            gives_way = not lasting and mate == number
            others += sum(totals[: self._seats - 1 if gives_way else self._seats] if self._seats else totals)
        return self.machine.capacity(device) - sum(need.total(device) for need in self._lasting) - others

    def rooms(self, number: int = 1, *, lasting: bool) -> dict[int, int]:
        return {device: self.room(device, number, lasting=lasting) for device in self.machine.devices}

    def used(self, device: int) -> int:
        return self.machine.capacity(device) - self.room(device, lasting=True)
