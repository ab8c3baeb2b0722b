# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines with GPUs, as far as files and the answers of programs make one: laid out below a directory, one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20
SYSTEMS = {
    "debian-12": ("debian", "12", ""),
    "debian-13": ("debian", "13", ""),
    "ubuntu-22.04": ("ubuntu", "22.04", "debian"),
    "ubuntu-24.04": ("ubuntu", "24.04", "debian"),
    "rhel-9": ("rhel", "9.6", "fedora"),
    "rocky-9": ("rocky", "9.6", "rhel centos fedora"),
    "almalinux-10": ("almalinux", "10.0", "rhel centos fedora"),
    "fedora-43": ("fedora", "43", ""),
}
KERNELS = {
    "debian-12": "6.1.0-40-amd64",
    "debian-13": "6.12.48+deb13-amd64",
    "ubuntu-22.04": "5.15.0-160-generic",
    "ubuntu-24.04": "6.8.0-60-generic",
    "rhel-9": "5.14.0-570.12.1.el9_6.x86_64",
    "rocky-9": "5.14.0-570.12.1.el9_6.x86_64",
    "almalinux-10": "6.12.0-55.9.1.el10_0.x86_64",
    "fedora-43": "6.17.1-300.fc43.x86_64",
}
LICENCES = {"open": "Dual MIT/GPL", "proprietary": "NVIDIA"}
BANNERS = {
    "open": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (dvs-builder@U22)",
    "proprietary": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Tue Jul 30 04:41:37 UTC 2024",
}
TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
# As nvidia-ctk writes it: what every device is given stands at the end, and mounts have no names, but hooks do.
CDI = """\
---
cdiVersion: 0.5.0
containerEdits:
  hooks:
  - args: [nvidia-cdi-hook, update-ldcache]
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
devices:
{devices}kind: nvidia.com/gpu
"""
CDI_DEVICE = """\
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "{name}"
"""


@dataclass(frozen=True)
class Machine:
    """What differs from a machine without a GPU. Cards are vendor:device; a driver's module is `version flavour`."""

    cards: tuple[str, ...] = ()
    system: str = "ubuntu-24.04"
    kernel: str = ""
    loaded: str = ""
    # Kernel to module on the disk; of a loaded one, the running kernel's is the same unless said.
    installed: tuple[tuple[str, str], ...] = ()
    library: str = ""
    # What nvidia-smi says: nothing (not installed), "answers", "hangs", or an error.
    smi: str = ""
    # Name and memory in MiB of each card, as nvidia-smi says.
    told: tuple[tuple[str, int], ...] = ()
    mig: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    toolkit: str = ""
    cdi: tuple[str, ...] = ()
    nouveau: bool = False
    secure_boot: bool = False
    nvswitch: bool = False
    wsl: bool = False
    azure: bool = False
    # Of each card, what holds it, where that is not NVIDIA's driver (when loaded) or nouveau; "" is nothing.
    held_by: dict[int, str] = field(default_factory=dict)
    # Cards that the bus does not know any more, virtual functions of the first card, and cards that are switched off.
    fallen: tuple[int, ...] = ()
    virtual: tuple[int, ...] = ()
    switched_off: tuple[int, ...] = ()
    # Cards that the driver shows in /proc, and of them those that it leaves alone.
    driven: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    # Cards that nvidia-smi cannot reach, and their kin that it tells of by `told`, by number; all in their order when empty.
    lost: tuple[int, ...] = ()
    lost_words: str = "GPU0000:{:02X}:00.0: Unknown Error"
    # What it says of a card's memory, in the place of the figure, by number.
    cells: dict[int, str] = field(default_factory=dict)
    # The driver of a host of virtual GPUs.
    vgpu_manager: bool = False
    told_of: tuple[int, ...] = ()
    # Further files, each empty.
    files: tuple[str, ...] = ()

    @property
    def running(self) -> str:
        return self.kernel or ("6.6.87.2-microsoft-standard-WSL2" if self.wsl else KERNELS[self.system])


def build(root: Path, machine: Machine) -> Path:
    """The machine below this directory."""
    for path, text in _files(machine).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if "/bin/" in path or "/sbin/" in path or path.endswith("nvidia-smi"):
            target.chmod(0o755)
    for number, _card in enumerate(machine.cards):
        driver = machine.held_by.get(number, "nvidia" if machine.loaded else "nouveau" if machine.nouveau else "")
        if driver:
            (root / _pci(number) / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
        if number in machine.virtual:
            (root / _pci(number) / "physfn").symlink_to("../0000:01:00.0")
        head = b"\xff" * 64 if number in machine.fallen else bytes.fromhex("de10 8426 0700 1000")
        (root / _pci(number) / "config").write_bytes(head)
    return root


def _pci(number: int) -> str:
    return f"sys/bus/pci/devices/0000:{number + 1:02x}:00.0"


def _files(machine: Machine) -> dict[str, str]:
    id_, version, like = SYSTEMS[machine.system]
    files = {
        "etc/os-release": f'ID={id_}\nVERSION_ID="{version}"\nID_LIKE="{like}"\nPRETTY_NAME="{id_} {version}"\n',
        "proc/sys/kernel/osrelease": machine.running + "\n",
        "proc/sys/kernel/arch": "x86_64\n",
        "proc/cpuinfo": "flags\t: avx2\n",
        **dict.fromkeys(machine.files, ""),
        **_cards(machine),
        **_module(machine),
        **_packages(machine),
        **_smi(machine),
    }
    if machine.nouveau:
        files["sys/module/nouveau/initstate"] = "live\n"
    if machine.vgpu_manager:
        files["sys/module/nvidia_vgpu_vfio/initstate"] = "live\n"
    if machine.secure_boot:
        files["sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"] = "\6\0\0\0\1"
    if machine.azure:
        files["sys/class/dmi/id/chassis_asset_tag"] = "7783-7084-3265-9085-8269-3286-77\n"
    if machine.wsl and machine.smi:
        files["usr/lib/wsl/lib/libcuda.so.1"] = ""
    if machine.cdi:
        files["var/run/cdi/nvidia.yaml"] = CDI.format(
            devices="".join(CDI_DEVICE.format(name=name) for name in machine.cdi)
        )
    return files


def _cards(machine: Machine) -> dict[str, str]:
    # A bridge and a network card: what is plugged in is not always a GPU.
    files = {
        "sys/bus/pci/devices/0000:00:00.0/class": "0x060000\n",
        "sys/bus/pci/devices/0000:00:00.0/vendor": "0x8086\n",
    }
    if machine.nvswitch:
        switch = "sys/bus/pci/devices/0000:f0:00.0"
        files |= {f"{switch}/vendor": "0x10de\n", f"{switch}/device": "0x22a3\n", f"{switch}/class": "0x068000\n"}
    for number, card in enumerate(machine.cards):
        vendor, device = card.split(":")
        kind = "0x030200" if vendor == "10de" else "0x030000"
        for name, text in {"vendor": f"0x{vendor}", "device": f"0x{device}", "class": kind}.items():
            files[f"{_pci(number)}/{name}"] = text + "\n"
        # Without a driver a card is not enabled, and neither is one that somebody has switched off.
        holder = machine.held_by.get(number, machine.loaded or machine.nouveau)
        files[f"{_pci(number)}/enable"] = "1\n" if holder and number not in machine.switched_off else "0\n"
        # Every card for screens is a card for sound as well.
        sound = _pci(number)[:-1] + "1"
        files |= {f"{sound}/vendor": f"0x{vendor}\n", f"{sound}/device": "0x22ba\n", f"{sound}/class": "0x040300\n"}
    return files


def _module(machine: Machine) -> dict[str, str]:
    installed = dict(machine.installed)
    files = {f"lib/modules/{machine.running}/modules.dep": "kernel/fs/ext4/ext4.ko: \n"}
    if machine.loaded:
        version, flavour = machine.loaded.split()
        files["sys/module/nvidia/version"] = version + "\n"
        files["proc/driver/nvidia/version"] = BANNERS[flavour].format(version=version) + "\n"
        for number in machine.driven:
            left_alone = "Yes" if number in machine.excluded else "No"
            files[f"proc/driver/nvidia/gpus/0000:{number + 1:02x}:00.0/information"] = (
                f"Model: \t\t NVIDIA GPU\nIRQ:   \t\t 120\nBus Location: \t 0000:{number + 1:02x}:00.0\nGPU Excluded:\t {left_alone}\n"
            )
        files |= dict.fromkeys(("dev/nvidia0", "dev/nvidiactl", "dev/nvidia-uvm"), "")
        installed.setdefault(machine.running, machine.loaded)
    library = machine.library or (machine.loaded.split()[0] if machine.loaded and machine.smi else "")
    if library:
        directory = "usr/lib/x86_64-linux-gnu" if SYSTEMS[machine.system][0] in ("debian", "ubuntu") else "usr/lib64"
        files[f"{directory}/libnvidia-ml.so.{library}"] = ""
    answers = []
    for kernel, module in installed.items():
        version, flavour = module.split()
        files[f"lib/modules/{kernel}/modules.dep"] = (
            "kernel/fs/ext4/ext4.ko: \nupdates/dkms/nvidia.ko.zst: kernel/drivers/video.ko\n"
        )
        answers.append(f"*/{kernel}/*) echo 'version:        {version}'; echo 'license:        {LICENCES[flavour]}' ;;")
    files["usr/sbin/modinfo"] = "\n".join(["#!/bin/sh", 'case "$1" in', *answers, "esac", ""])
    return files


def _packages(machine: Machine) -> dict[str, str]:
    toolkit = dict.fromkeys(TOOLKIT, machine.toolkit) if machine.toolkit else {}
    versions = {"bash": "5.2", **toolkit, **dict.fromkeys((*machine.packages, *machine.held), "580.95.05-1")}
    if SYSTEMS[machine.system][0] not in ("debian", "ubuntu"):
        lines = "".join(f"{name} {version}\n" for name, version in versions.items())
        return {"usr/bin/rpm": f"#!/bin/sh\ncat <<END\n{lines}END\n"}
    stanzas = [
        f"Package: {name}\nStatus: {'hold' if name in machine.held else 'install'} ok installed\nVersion: {version}\n"
        for name, version in versions.items()
    ]
    # Removed, but not purged.
    stanzas.append("Package: nvidia-driver-470\nStatus: deinstall ok config-files\nVersion: 470\n")
    return {"var/lib/dpkg/status": "\n".join(stanzas)}


def _smi(machine: Machine) -> dict[str, str]:
    path = "usr/lib/wsl/lib/nvidia-smi" if machine.wsl else "usr/bin/nvidia-smi"
    if not machine.smi:
        return {}
    if machine.smi == "hangs":
        return {path: "#!/bin/sh\nexec sleep 600\n"}
    if machine.smi != "answers":
        return {path: f"#!/bin/sh\necho '{machine.smi}'\nexit 18\n"}
    version = machine.loaded.split()[0] if machine.loaded else machine.library
    rows, listing = [], []
    driven = sorted(set(machine.driven or range(max(len(machine.cards), len(machine.told)))) - set(machine.excluded))
    driven = [number for number in driven if machine.held_by.get(number, "nvidia") == "nvidia"]
    for number, (name, memory) in zip(machine.told_of or range(len(machine.told)), machine.told, strict=True):
        uuid = f"GPU-0000000{number}-1111"
        cut = "Enabled" if machine.mig else "[N/A]"
        total, free = [machine.cells.get(number, str(figure)) for figure in (memory, memory - 512)]
        rows.append(
            f"{driven.index(number)}, 00000000:{number + 1:02X}:00.0, {name}, {uuid}, {total}, {free}, {cut}, {version}"
        )
        listing.append(f"GPU {number}: {name} (UUID: {uuid})")
        listing += [f"  MIG {part}     Device  {at}: (UUID: MIG-{at}-{number})" for at, part in enumerate(machine.mig)]
    answers = {"-L": listing, "*": rows}
    if machine.lost:
        # The message is that of public reports ("Unable to determine the device handle for GPU0000:2B:00.0: Unknown Error"). That the others are told
        # of where they are named is what its manual promises of --id; nobody here has seen a lost card.
        sorry = [
            f"Unable to determine the device handle for {machine.lost_words.format(number + 1)}"
            for number in machine.lost
        ]
        answers = {"-L": listing, "--id=*": rows, "*": sorry}
    cases = [
        f"{what})\ncat <<END\n{chr(10).join(lines)}\nEND\nexit {15 if machine.lost and what == '*' else 0}\n;;"
        for what, lines in answers.items()
    ]
    return {path: "\n".join(["#!/bin/sh", 'case "$1" in', *cases, "esac", ""])}
