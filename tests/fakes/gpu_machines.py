# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines that the module, the plan and the role are held against."""

from __future__ import annotations

from fakes.gpu_host import KERNELS, Machine

RTX_3060, RTX_4060, RTX_4090, RTX_5090 = "10de:2504", "10de:2882", "10de:2684", "10de:2b85"
A10, A10G, A100, H100, L4, L40S, T4 = (
    "10de:2236",
    "10de:2237",
    "10de:20b5",
    "10de:2330",
    "10de:27b8",
    "10de:26b9",
    "10de:1eb8",
)
V100, GTX_1080, GTX_780, B200 = "10de:1db1", "10de:1b80", "10de:1004", "10de:2901"
RX_7900, ARC_A770 = "1002:744c", "8086:56a0"

NOBLE, BOOKWORM = KERNELS["ubuntu-24.04"], KERNELS["debian-12"]
AWS = "6.8.0-1030-aws"
OPEN, PROPRIETARY = "580.95.05 open", "580.95.05 proprietary"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch"
SIGNED = (
    f"linux-modules-nvidia-580-server-open-{NOBLE}",
    "nvidia-headless-no-dkms-580-server-open",
    "nvidia-utils-580-server",
)

MACHINES = {
    "nothing": Machine(),
    "amd and intel": Machine(cards=(RX_7900, ARC_A770), system="debian-13"),
    "kepler": Machine(cards=(GTX_780,), system="debian-12"),
    # New machines, one of each system.
    "new 4090 on ubuntu 24.04": Machine(cards=(RTX_4090,), nouveau=True),
    "new 3060 on ubuntu 22.04": Machine(cards=(RTX_3060,), system="ubuntu-22.04", nouveau=True),
    "new a10g on aws": Machine(cards=(A10G,), kernel=AWS),
    "new 4060 on debian 12": Machine(cards=(RTX_4060,), system="debian-12", nouveau=True),
    "new l4 on debian 13": Machine(cards=(L4,), system="debian-13"),
    "new l40s on rocky 9": Machine(cards=(L40S, L40S), system="rocky-9", nouveau=True),
    "new h100 on almalinux 10": Machine(cards=(H100,), system="almalinux-10"),
    "new b200 on ubuntu 24.04": Machine(cards=(B200,) * 8, kernel="6.8.0-60-lowlatency", nvswitch=True),
    "new 4090 on fedora": Machine(cards=(RTX_4090,), system="fedora-43"),
    "new 4090 with a kernel of its own": Machine(cards=(RTX_4090,), kernel="6.15.3-mine"),
    # Old cards want what new ones do not have.
    "new v100 on ubuntu 24.04": Machine(cards=(V100,)),
    "new 1080 on debian 12": Machine(cards=(GTX_1080,), system="debian-12", nouveau=True),
    "1080 beside 5090": Machine(cards=(GTX_1080, RTX_5090)),
    "1080 with open modules": Machine(
        cards=(GTX_1080,),
        system="debian-12",
        installed=((BOOKWORM, OPEN),),
        smi="No devices were found",
        library="580.95.05",
    ),
    "5090 with proprietary modules": Machine(
        cards=(RTX_5090,), loaded="570.86.16 proprietary", smi="No devices were found", packages=("nvidia-driver-570",)
    ),
    # Secure Boot.
    "secure boot on ubuntu": Machine(cards=(T4,), secure_boot=True),
    "secure boot on debian": Machine(cards=(T4,), secure_boot=True, system="debian-12"),
    # What happens to drivers.
    "fine a100": Machine(
        cards=(A100, A100),
        loaded=OPEN,
        smi="answers",
        told=(("NVIDIA A100 80GB PCIe", 81920),) * 2,
        held=SIGNED,
        toolkit="1.20.0-1",
        cdi=("0", "1", "all"),
    ),
    "fine, but not held, and without toolkit": Machine(
        cards=(T4,), loaded=OPEN, smi="answers", told=(("Tesla T4", 15360),), packages=SIGNED
    ),
    "h100 cut into parts": Machine(
        cards=(H100,),
        system="debian-12",
        loaded=OPEN,
        smi="answers",
        told=(("NVIDIA H100 80GB HBM3", 81559),),
        mig=("1g.10gb", "3g.40gb"),
        toolkit="1.20.0-1",
        cdi=("0:0", "0:1", "all"),
        held=("nvidia-driver-cuda",),
    ),
    "waits for a reboot": Machine(
        cards=(RTX_4090,), nouveau=True, installed=((NOBLE, OPEN),), library="580.95.05", held=SIGNED
    ),
    "only has to be loaded": Machine(cards=(L4,), installed=((NOBLE, OPEN),), library="580.95.05", held=SIGNED),
    "driver for another kernel": Machine(
        cards=(L4,), kernel="6.8.0-59-generic", installed=((NOBLE, OPEN),), library="580.95.05", held=SIGNED
    ),
    "updated without a reboot": Machine(
        cards=(RTX_4090,),
        loaded="580.82.07 open",
        installed=((NOBLE, OPEN),),
        library="580.95.05",
        smi=MISMATCH,
        packages=SIGNED,
    ),
    "too old": Machine(
        cards=(A10,),
        loaded="535.183.01 proprietary",
        smi="answers",
        told=(("NVIDIA A10", 23028),),
        packages=("nvidia-driver-535",),
    ),
    "too old, from nvidia's own installer": Machine(
        cards=(A10,),
        loaded="535.183.01 proprietary",
        smi="answers",
        told=(("NVIDIA A10", 23028),),
        files=("usr/bin/nvidia-uninstall",),
    ),
    "module without programs": Machine(cards=(L4,), loaded=OPEN),
    "packages without a module": Machine(
        cards=(L4,), system="debian-12", packages=("nvidia-kernel-open-dkms", "nvidia-driver-cuda")
    ),
    "hangs": Machine(cards=(T4,), loaded=OPEN, smi="hangs"),
    # Cards that are not the host's.
    "only card for a virtual machine": Machine(cards=(RTX_4090,), held_by={0: "vfio-pci"}),
    "only card for a virtual machine of xen": Machine(cards=(A10,), system="debian-12", held_by={0: "pciback"}),
    "first card for a virtual machine": Machine(
        cards=(RTX_3060, RTX_4090),
        held_by={0: "vfio-pci"},
        loaded=OPEN,
        driven=(1,),
        smi="answers",
        told=(("NVIDIA GeForce RTX 4090", 24564),),
        told_of=(1,),
        held=SIGNED,
        toolkit="1.20.0-1",
        cdi=("0", "all"),
    ),
    "second card for a virtual machine, no driver": Machine(cards=(RTX_4090, RTX_3060), held_by={1: "vfio-pci"}),
    "card of another age for a virtual machine": Machine(cards=(GTX_1080, RTX_5090), held_by={0: "vfio-pci"}),
    "fallen off the bus": Machine(cards=(L40S,), loaded=OPEN, driven=(0,), fallen=(0,), smi="No devices were found"),
    "first of two fallen off the bus": Machine(
        cards=(L40S, L40S),
        loaded=OPEN,
        driven=(0, 1),
        fallen=(0,),
        lost=(0,),
        smi="answers",
        told=(("NVIDIA L40S", 46068),),
        told_of=(1,),
        held=SIGNED,
    ),
    "lost by the driver alone": Machine(
        cards=(L40S, L40S),
        loaded=OPEN,
        driven=(0, 1),
        lost=(0,),
        smi="answers",
        told=(("NVIDIA L40S", 46068),),
        told_of=(1,),
        held=SIGNED,
    ),
    "driver for one of two": Machine(
        cards=(GTX_1080, RTX_4090),
        held_by={0: ""},
        loaded=OPEN,
        driven=(1,),
        smi="answers",
        told=(("NVIDIA GeForce RTX 4090", 24564),),
        told_of=(1,),
        held=SIGNED,
    ),
    "nouveau beside the driver": Machine(
        cards=(RTX_4090, GTX_1080),
        held_by={1: "nouveau"},
        loaded=OPEN,
        nouveau=True,
        smi="answers",
        told=(("NVIDIA GeForce RTX 4090", 24564),),
        held=SIGNED,
    ),
    "virtual functions beside their card": Machine(cards=(A10, A10, A10), virtual=(1, 2), kernel=AWS),
    "switched off": Machine(
        cards=(L4, L4),
        loaded=OPEN,
        switched_off=(0,),
        smi="answers",
        told=(("NVIDIA L4", 23034),),
        told_of=(1,),
        held=SIGNED,
    ),
    "left alone by the driver": Machine(
        cards=(L4, L4),
        loaded=OPEN,
        driven=(0, 1),
        excluded=(1,),
        smi="answers",
        told=(("NVIDIA L4", 23034),),
        held=SIGNED,
    ),
    "kepler beside a new 4090": Machine(cards=(GTX_780, RTX_4090), nouveau=True),
    "shared out among virtual machines": Machine(
        cards=(A10,), loaded=OPEN, driven=(0,), vgpu_manager=True, smi="answers", told=(("NVIDIA A10", 23028),)
    ),
    # Other people's drivers.
    "wsl": Machine(wsl=True, smi="answers", library="581.29", told=(("NVIDIA GeForce RTX 4090", 24564),)),
    "wsl with a driver inside": Machine(
        wsl=True, smi=MISMATCH, library="580.95.05", packages=("nvidia-driver-580", "nvidia-utils-580")
    ),
    "wsl without a gpu": Machine(wsl=True),
    "wsl with an old driver": Machine(
        wsl=True, smi="answers", library="537.42", told=(("NVIDIA GeForce RTX 4090", 24564),)
    ),
    "wsl without nvidia-smi": Machine(wsl=True, files=("usr/lib/wsl/lib/libcuda.so.1",)),
    "dlami": Machine(
        cards=(L40S,),
        kernel=AWS,
        loaded="595.91.07 open",
        smi="answers",
        told=(("NVIDIA L40S", 46068),),
        files=("opt/aws/dlami/info/packages.json",),
        toolkit="1.20.1-1",
        cdi=("0", "all"),
    ),
    "dlvm before its driver": Machine(cards=(L4,), system="debian-12", files=("opt/deeplearning/install-driver.sh",)),
    "lambda stack": Machine(
        cards=(A10,),
        system="ubuntu-22.04",
        loaded="570.148.08 open",
        smi="answers",
        told=(("NVIDIA A10", 23028),),
        packages=("lambda-stack-cuda",),
    ),
    "azure grid": Machine(cards=(A10,), azure=True, kernel="6.8.0-1030-azure"),
    "azure cuda": Machine(
        cards=(H100,),
        azure=True,
        kernel="6.8.0-1030-azure",
        loaded=OPEN,
        smi="answers",
        told=(("NVIDIA H100 NVL", 95830),),
        files=("var/lib/waagent/Microsoft.HpcCompute.NvidiaGpuDriverLinux-1.9.0.0/HandlerManifest.json",),
    ),
    "azure without a driver": Machine(cards=(T4,), azure=True, kernel="6.8.0-1030-azure"),
}
