# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which devices the layers of one model lie: all on the GPU that they just fit, on several, or as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.hearth.llm.plugins.module_utils._fit.llama_cpp import HOST, Demand, Need, segments

if TYPE_CHECKING:
    from typing import Collection, Iterator, Mapping, Sequence

    from ansible_collections.hearth.llm.plugins.module_utils._fit.gguf_facts import Facts
    from ansible_collections.hearth.llm.plugins.module_utils._fit.settings import LlamaCpp
    from ansible_collections.hearth.llm.plugins.module_utils._fit.sight import Sight

# What a process takes beside llama.cpp's own buffers: of each GPU that it uses (CUDA's context and its libraries' workspaces), and of the host,
# without and with CUDA's part there.
GPU_PROCESS_BYTES = 450 << 20
HOST_PROCESS_BYTES = 100 << 20
HOST_CUDA_PROCESS_BYTES = 300 << 20
_HALVINGS = 8


@dataclass(frozen=True)
class Layout:
    gpu_layers: int
    # How many layers each GPU has, or the shares that were asked for.
    split: tuple[float, ...]
    need: Need

    def totals(self) -> dict[int, int]:
        return {device: part.total for device, part in self.need.parts.items()}


def arrange(
    facts: Facts,
    settings: LlamaCpp,
    rooms: Mapping[int, int],
    sight: Sight | None = None,
    processors: Collection[int] = (),
) -> Layout:
    """The best layout that fits, or where none does the one that comes nearest."""
    table = _Table(facts, settings, rooms, sight, processors)
    most = len(facts.layers) + 1
    if len(rooms) == 1:
        return table.layout(0, ())
    if settings.gpu_layers is not None:
        return table.best(min(settings.gpu_layers, most))
    whole = table.best(most)
    return whole if table.fits(whole) else table.partial(most - 1)


class _Table:
    def __init__(
        self,
        facts: Facts,
        settings: LlamaCpp,
        rooms: Mapping[int, int],
        sight: Sight | None,
        processors: Collection[int],
    ) -> None:
        # Devices that are the memory and the processor of another host.
        self._processors = processors
        self._settings, self._rooms, self._sight = settings, rooms, sight
        self._layers, self._demand = len(facts.layers), Demand(facts, settings)
        self._gpus = sorted(device for device in rooms if device != HOST)

    def fits(self, layout: Layout) -> bool:
        return all(total <= self._rooms[device] for device, total in layout.totals().items())

    def fits_gpus(self, layout: Layout) -> bool:
        return all(total <= self._rooms[device] for device, total in layout.totals().items() if device != HOST)

    def layout(self, gpu_layers: int, split: Sequence[float]) -> Layout:
        placed = segments(self._layers, gpu_layers, split)
        result = self._demand.need(
            [(HOST if gpu == HOST else self._gpus[gpu], first, end) for gpu, first, end in placed]
        )
        if self._sight:
            # Not where the layers lie, but on the first GPU that there is.
            part = result.on(self._gpus[0] if self._gpus and self._settings.projector_on_gpu else HOST)
            part.weights += self._sight.weight_bytes
            part.compute += self._sight.compute_bytes(flash=self._settings.flash)
        used = sorted(device for device in result.parts if device != HOST)
        process = HOST_CUDA_PROCESS_BYTES if used else HOST_PROCESS_BYTES
        result.on(HOST).overhead += process
        for gpu in used:
            result.on(gpu).overhead += GPU_PROCESS_BYTES if gpu not in self._processors else HOST_PROCESS_BYTES
        return Layout(gpu_layers, tuple(split), result)

    def best(self, gpu_layers: int) -> Layout:
        """So many layers: on one GPU, or shared out so that all are filled alike."""
        layouts = list(self._layouts(gpu_layers))
        return next((layout for layout in layouts if self.fits(layout)), layouts[-1])

    def partial(self, most: int) -> Layout:
        """As many layers as the GPUs have room for; the fewer there are, the less they take."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if any(self.fits_gpus(layout) for layout in self._layouts(middle)):
                low = middle
            else:
                high = middle - 1
        return next(layout for layout in self._layouts(low) if self.fits_gpus(layout) or not low)

    def _layouts(self, gpu_layers: int) -> Iterator[Layout]:
        if self._settings.split is not None:
            yield self.layout(gpu_layers, self._settings.split[: len(self._gpus)])
            return
        if self._settings.spread and len(self._gpus) > 1 and gpu_layers > 1:
            yield self._balanced(gpu_layers)
            return
        # The tightest one that it fits leaves the others for larger models.
        for gpu in sorted(self._gpus, key=lambda gpu: self._rooms[gpu]):
            yield self.layout(gpu_layers, [1.0 if other == gpu else 0.0 for other in self._gpus])
        if len(self._gpus) > 1 and gpu_layers > 1:
            yield self._balanced(gpu_layers)

    def _balanced(self, gpu_layers: int) -> Layout:
        """Filled alike: the smallest part of each GPU's room with which all layers find a place."""
        low, high = 0.0, 1.0
        counts = self._filled(gpu_layers, high)
        for _halving in range(_HALVINGS):
            middle = (low + high) / 2
            tried = self._filled(gpu_layers, middle)
            if sum(tried) == gpu_layers:
                counts, high = tried, middle
            else:
                low = middle
        counts[-1] += gpu_layers - sum(counts)
        return self.layout(gpu_layers, [float(count) for count in counts])

    def _filled(self, gpu_layers: int, part: float) -> list[int]:
        """How many layers each GPU takes before that part of its room is full, one GPU after the other."""
        counts: list[int] = []
        for number, gpu in enumerate(self._gpus):
            low, high = 0, gpu_layers - sum(counts)
            while low < high:
                middle = (low + high + 1) // 2
                rest = gpu_layers - sum(counts) - middle
                behind = (
                    [float(rest), *(0.0 for _gpu in self._gpus[number + 2 :])] if number + 1 < len(self._gpus) else []
                )
                split = [*(float(count) for count in counts), float(middle), *behind]
                # What no GPU is left for does not count here.
                layers = gpu_layers if behind else gpu_layers - rest
                total = self.layout(layers, split).need.total(gpu)
                low, high = (middle, high) if total <= self._rooms[gpu] * part else (low, middle - 1)
            counts.append(low)
        return counts
