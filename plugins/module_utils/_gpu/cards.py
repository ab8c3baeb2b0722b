# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PCI numbers of graphics cards stand for. PRIVATE to the collection.

Names and numbers: the PCI ID Repository (pci-ids.ucw.cz, version 2026.10.24). Memory: the names there, and NVIDIA's product pages. Open
modules and last branches: NVIDIA's driver installation guide, "Kernel Modules", and its list of legacy GPUs.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

AMD, INTEL, NVIDIA = "1002", "8086", "10de"
VENDORS = {AMD: "amd", INTEL: "intel", NVIDIA: "nvidia"}

GIB = 1 << 30
# Cards without memory of their own for check bits keep them in the memory that they sell.
ECC_SHARE = 15 / 16


@dataclass(frozen=True)
class Card:
    name: str
    memory_bytes: int | None
    architecture: str
    # Whether NVIDIA's open kernel modules drive it: required, supported or unsupported.
    open_modules: str
    # The last driver branch that knows it, where that has been.
    last_branch: int | None
    first_branch: int


# First number of a run of chips, and their architecture. Between two runs nothing else has been sold.
ARCHITECTURES = (
    (0x0000, "older"),
    (0x0FC0, "kepler"),
    (0x1040, "older"),
    (0x1180, "kepler"),
    (0x1200, "older"),
    (0x1280, "kepler"),
    (0x1340, "maxwell"),
    (0x15F0, "pascal"),
    (0x1600, "maxwell"),
    (0x1720, "pascal"),
    (0x1740, "maxwell"),
    (0x1B00, "pascal"),
    (0x1D80, "volta"),
    (0x1E00, "turing"),
    (0x2080, "ampere"),
    (0x2180, "turing"),
    (0x2200, "ampere"),
    (0x2300, "hopper"),
    (0x2400, "ampere"),
    (0x2680, "ada"),
    (0x2900, "blackwell"),
    (0x3000, "newer"),
    (0x3180, "blackwell"),
    (0x3280, "newer"),
)
# Architecture: open modules, last branch, first branch.
SUPPORT = {
    "older": ("unsupported", 390, 0),
    "kepler": ("unsupported", 470, 0),
    "maxwell": ("unsupported", 580, 0),
    "pascal": ("unsupported", 580, 0),
    "volta": ("unsupported", 580, 0),
    "turing": ("supported", None, 515),
    "ampere": ("supported", None, 515),
    "ada": ("supported", None, 525),
    "hopper": ("supported", None, 525),
    "blackwell": ("required", None, 570),
    # What we do not know yet needs at least what the newest that we know needs.
    "newer": ("required", None, 570),
}
# Grace Hopper is Hopper, but its memory needs the open modules.
REQUIRES_OPEN = frozenset(("2342", "2343", "2345", "2348"))

# Number: name, memory in GiB. Where one number is sold with different memory, the driver has to say.
GEFORCE = {
    "1b06": ("GeForce GTX 1080 Ti", 11),
    "1b80": ("GeForce GTX 1080", 8),
    "1b81": ("GeForce GTX 1070", 8),
    "1b82": ("GeForce GTX 1070 Ti", 8),
    "1e02": ("TITAN RTX", 24),
    "1e04": ("GeForce RTX 2080 Ti", 11),
    "1e07": ("GeForce RTX 2080 Ti", 11),
    "1e81": ("GeForce RTX 2080 SUPER", 8),
    "1e82": ("GeForce RTX 2080", 8),
    "1e84": ("GeForce RTX 2070 SUPER", 8),
    "1e87": ("GeForce RTX 2080", 8),
    "1f02": ("GeForce RTX 2070", 8),
    "1f03": ("GeForce RTX 2060 12GB", 12),
    "1f06": ("GeForce RTX 2060 SUPER", 8),
    "1f07": ("GeForce RTX 2070", 8),
    "1f08": ("GeForce RTX 2060", 6),
    "2182": ("GeForce GTX 1660 Ti", 6),
    "21c4": ("GeForce GTX 1660 SUPER", 6),
    "2203": ("GeForce RTX 3090 Ti", 24),
    "2204": ("GeForce RTX 3090", 24),
    "2206": ("GeForce RTX 3080", 10),
    "2208": ("GeForce RTX 3080 Ti", 12),
    "220a": ("GeForce RTX 3080 12GB", 12),
    "2216": ("GeForce RTX 3080", 10),
    "2482": ("GeForce RTX 3070 Ti", 8),
    "2484": ("GeForce RTX 3070", 8),
    "2486": ("GeForce RTX 3060 Ti", 8),
    "2488": ("GeForce RTX 3070", 8),
    "2489": ("GeForce RTX 3060 Ti", 8),
    "2503": ("GeForce RTX 3060", 12),
    "2504": ("GeForce RTX 3060", 12),
    "2684": ("GeForce RTX 4090", 24),
    "2685": ("GeForce RTX 4090 D", 24),
    "2702": ("GeForce RTX 4080 SUPER", 16),
    "2704": ("GeForce RTX 4080", 16),
    "2705": ("GeForce RTX 4070 Ti SUPER", 16),
    "2782": ("GeForce RTX 4070 Ti", 12),
    "2783": ("GeForce RTX 4070 SUPER", 12),
    "2786": ("GeForce RTX 4070", 12),
    "2803": ("GeForce RTX 4060 Ti", 8),
    "2805": ("GeForce RTX 4060 Ti 16GB", 16),
    "2808": ("GeForce RTX 4060", 8),
    "2882": ("GeForce RTX 4060", 8),
    "2b85": ("GeForce RTX 5090", 32),
    "2b87": ("GeForce RTX 5090 D", 32),
    "2c02": ("GeForce RTX 5080", 16),
    "2c05": ("GeForce RTX 5070 Ti", 16),
    "2d04": ("GeForce RTX 5060 Ti", None),
    "2d05": ("GeForce RTX 5060", 8),
    "2f04": ("GeForce RTX 5070", 12),
}
# Stacked memory, which keeps its check bits beside what is sold.
DATA_CENTRE = {
    "15f7": ("Tesla P100-PCIE-12GB", 12),
    "15f8": ("Tesla P100-PCIE-16GB", 16),
    "15f9": ("Tesla P100-SXM2-16GB", 16),
    "1db1": ("Tesla V100-SXM2-16GB", 16),
    "1db4": ("Tesla V100-PCIE-16GB", 16),
    "1db5": ("Tesla V100-SXM2-32GB", 32),
    "1db6": ("Tesla V100-PCIE-32GB", 32),
    "20b0": ("A100-SXM4-40GB", 40),
    "20b2": ("A100-SXM4-80GB", 80),
    "20b5": ("A100 80GB PCIe", 80),
    "20b7": ("A30", 24),
    "20f1": ("A100-PCIE-40GB", 40),
    "2321": ("H100 NVL", 94),
    "2330": ("H100 80GB HBM3", 80),
    "2331": ("H100 PCIe", 80),
    "2335": ("H200", 141),
    "233b": ("H200 NVL", 141),
    "2342": ("GH200", None),
    "2901": ("B200", 180),
    "2e12": ("GB10", None),
}
WITH_INLINE_ECC = {
    "13f2": ("Tesla M60", 8),
    "1b38": ("Tesla P40", 24),
    "1bb3": ("Tesla P4", 8),
    "1eb8": ("Tesla T4", 16),
    "2230": ("RTX A6000", 48),
    "2235": ("A40", 48),
    "2236": ("A10", 24),
    "2237": ("A10G", 24),
    "24b0": ("RTX A4000", 16),
    "25b6": ("A2 / A16", 16),
    "26b1": ("RTX 6000 Ada Generation", 48),
    "26b5": ("L40", 48),
    "26b9": ("L40S", 48),
    "27b8": ("L4", 24),
    "2bb1": ("RTX PRO 6000 Blackwell Workstation Edition", 96),
    "2bb4": ("RTX PRO 6000 Blackwell Max-Q Workstation Edition", 96),
    "2bb5": ("RTX PRO 6000 Blackwell Server Edition", 96),
}


def nvidia_card(device_id: str) -> Card:
    """What is known of a card by its number; of an unknown one, what its neighbours in number say."""
    starts = [start for start, _name in ARCHITECTURES]
    architecture = ARCHITECTURES[bisect.bisect_right(starts, int(device_id, 16)) - 1][1]
    open_modules, last_branch, first_branch = SUPPORT[architecture]
    if device_id in REQUIRES_OPEN:
        open_modules = "required"
    name, gib = {**GEFORCE, **DATA_CENTRE, **WITH_INLINE_ECC}.get(device_id, (f"GPU [10de:{device_id}]", None))
    share = ECC_SHARE if device_id in WITH_INLINE_ECC else 1
    memory = int(gib * GIB * share) if gib else None
    return Card(f"NVIDIA {name}", memory, architecture, open_modules, last_branch, first_branch)
