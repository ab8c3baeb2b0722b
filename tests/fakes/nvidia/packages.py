# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the packages: names, dependencies, files and units of the real ones, programs that behave like theirs."""

from __future__ import annotations

from dataclasses import dataclass, field

DRIVER = "580.95.05"
TOOLKIT = "1.20.0-1"

# Says what the real one says, if the device is there: on a host after the module was loaded, in a container if it was given the device.
NVIDIA_SMI = """\
#!/bin/sh
if ! [ -c /dev/nvidia0 ]; then
    echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." >&2
    exit 9
fi
# What was asked for, in that order, as the real one answers.
for argument in "$@"; do
    case "$argument" in
    -L) echo "GPU 0: NVIDIA L4 (UUID: GPU-5ab0e5f3-lab)" ;;
    --query-gpu=*)
        between=
        for field in $(echo "${argument#--query-gpu=}" | tr , ' '); do
            case "$field" in
            index) value=0 ;;
            pci.bus_id) value=00000000:01:00.0 ;;
            name) value="NVIDIA L4" ;;
            uuid) value=GPU-5ab0e5f3-lab ;;
            memory.total) value=23034 ;;
            memory.free) value=22500 ;;
            driver_version) value=580.95.05 ;;
            *) value="[N/A]" ;;
            esac
            printf '%s%s' "$between" "$value"
            between=", "
        done
        echo
        ;;
    esac
done
"""
# Loading means: the device is there, and /proc says which version. Everything else is left to the real one.
MODPROBE = """\
#!/bin/sh
case "$*" in
*nvidia*)
    mountpoint --quiet /proc/driver || mount -t tmpfs none /proc/driver
    mkdir -p /proc/driver/nvidia
    echo "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build" > /proc/driver/nvidia/version
    for node in nvidia0 nvidiactl nvidia-uvm; do
        [ -c /dev/$node ] || mknod --mode 0666 /dev/$node c 1 3
    done
    ;;
*) exec /usr/sbin/modprobe "$@" ;;
esac
"""
MODINFO = "#!/bin/sh\necho 'version:        580.95.05'\necho 'license:        Dual MIT/GPL'\n"
# What DKMS does at the end: the running kernel has a module.
BUILD_MODULE = """\
#!/bin/sh
directory=/lib/modules/$(cat /proc/sys/kernel/osrelease)
mkdir -p "$directory"
echo "updates/dkms/nvidia.ko.xz:" > "$directory/modules.dep"
"""
PERSISTENCED_UNIT = """\
[Unit]
Description=NVIDIA Persistence Daemon
[Service]
ExecStart=/usr/bin/nvidia-persistenced
[Install]
WantedBy=multi-user.target
"""
NVIDIA_CTK = """\
#!/bin/sh
mkdir -p /var/run/cdi
cat > /var/run/cdi/nvidia.yaml <<'END'
---
cdiVersion: 0.5.0
containerEdits:
  mounts:
  - containerPath: /usr/bin/nvidia-smi
    hostPath: /usr/bin/nvidia-smi
    options: [ro, nosuid, nodev, bind]
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: all
kind: nvidia.com/gpu
END
"""
REFRESH_SERVICE = """\
[Unit]
Description=Refresh NVIDIA CDI specification file
ConditionPathExists=/dev/nvidiactl
[Service]
Type=oneshot
ExecStart=/usr/bin/nvidia-ctk cdi generate
[Install]
WantedBy=multi-user.target
"""
REFRESH_PATH = """\
[Unit]
Description=Trigger CDI refresh on NVIDIA driver install / uninstall events
[Path]
PathChanged=/lib/modules
[Install]
WantedBy=multi-user.target
"""
# NVIDIA's runtime gives a container what the CDI files name, by way of the bundle, and leaves the rest to runc.
RUNTIME = '''\
#!/usr/bin/python3
"""Add what a container asked for by NVIDIA_VISIBLE_DEVICES to its bundle, then be runc."""

import json
import os
import sys

if "create" in sys.argv:
    path = os.path.join(sys.argv[sys.argv.index("--bundle") + 1], "config.json")
    with open(path) as stream:
        config = json.load(stream)
    wanted = dict(entry.partition("=")[::2] for entry in config["process"]["env"]).get("NVIDIA_VISIBLE_DEVICES", "")
    if wanted.startswith("nvidia.com/gpu="):
        smi = "/usr/bin/nvidia-smi"
        config["mounts"].append({"source": smi, "destination": smi, "type": "bind", "options": ["ro", "bind"]})
        config["linux"].setdefault("devices", []).append({"path": "/dev/nvidia0", "type": "c", "major": 1, "minor": 3, "fileMode": 438})
        with open(path, "w") as stream:
            json.dump(config, stream)
os.execvp("runc", ["runc", *sys.argv[1:]])
'''


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    depends: str = ""
    # Path to content; what lies in a directory for programs is executable.
    files: dict[str, str] = field(default_factory=dict)
    after: str = ""


def driver(kernel: str) -> list[Package]:
    """The CUDA repository for one kernel of Debian's."""
    return [
        Package(f"linux-headers-{kernel}", "999"),
        Package("linux-headers-amd64", "999"),
        Package(
            "nvidia-driver-pinning-580",
            "580",
            files={
                "/etc/apt/preferences.d/nvidia-driver-pinning": "Package: *nvidia*\nPin: version 580.*\nPin-Priority: 1000\n"
            },
        ),
        Package(
            "nvidia-kernel-open-dkms",
            f"{DRIVER}-1",
            files={"/usr/local/sbin/modinfo": MODINFO, "/usr/local/sbin/modprobe": MODPROBE},
            after=BUILD_MODULE,
        ),
        # Newer than the branch: only the pinning package keeps apt from it.
        Package("nvidia-driver-cuda", "590.48.01-1", depends="nvidia-kernel-open-dkms (>= 590)"),
        Package(
            "nvidia-driver-cuda",
            f"{DRIVER}-1",
            files={"/usr/bin/nvidia-smi": NVIDIA_SMI, f"/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{DRIVER}": ""},
        ),
        Package(
            "nvidia-persistenced",
            f"{DRIVER}-1",
            files={
                "/usr/bin/nvidia-persistenced": "#!/bin/sh\nexec sleep infinity\n",
                "/usr/lib/systemd/system/nvidia-persistenced.service": PERSISTENCED_UNIT,
            },
        ),
    ]


def toolkit() -> list[Package]:
    """The repository of the container toolkit, with a newer version that nobody asked for."""
    return [package for version in (TOOLKIT, "1.21.0-1") for package in _toolkit(version)]


def _toolkit(version: str) -> list[Package]:
    exactly = f"(= {version})"
    return [
        Package("libnvidia-container1", version),
        Package("libnvidia-container-tools", version, f"libnvidia-container1 {exactly}"),
        Package(
            "nvidia-container-toolkit-base",
            version,
            files={
                "/usr/bin/nvidia-ctk": NVIDIA_CTK,
                "/usr/bin/nvidia-container-runtime": RUNTIME,
                "/etc/systemd/system/nvidia-cdi-refresh.service": REFRESH_SERVICE,
                "/etc/systemd/system/nvidia-cdi-refresh.path": REFRESH_PATH,
            },
        ),
        Package(
            "nvidia-container-toolkit",
            version,
            f"libnvidia-container-tools {exactly}, nvidia-container-toolkit-base {exactly}",
        ),
    ]
