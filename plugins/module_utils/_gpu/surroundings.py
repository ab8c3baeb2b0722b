# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose machine this is, and what it allows: WSL, clouds that bring their own driver, Secure Boot. PRIVATE to the collection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.hearth.llm.plugins.module_utils._gpu.devices import Gpu
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
# Every machine of Azure's has this tag in its firmware (learn.microsoft.com, "Azure instance metadata").
AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"
# Cards of Azure's NV series, which are parts of a card and work with Azure's GRID driver only: A10 (NVadsA10_v5), M60 (NVv3).
AZURE_GRID_CARDS = frozenset(("2236", "13f2"))
AZURE_EXTENSION = "Microsoft.HpcCompute.NvidiaGpuDriverLinux-"
CLOUD_NAMES = {
    "aws_dlami": "an AWS Deep Learning AMI",
    "azure_cuda": "an Azure machine with the NVIDIA driver extension",
    "azure_grid": "an Azure machine of the NV series, which needs Azure's GRID driver",
    "gcp_dlvm": "a Google Deep Learning VM",
    "lambda_stack": "a machine with Lambda Stack",
}


def secure_boot(host: Host) -> bool:
    # Four bytes of attributes, then the value.
    return host.read(SECURE_BOOT)[4:5] == "\x01"


def architecture(host: Host) -> str:
    # The file is as old as Linux 6.1.
    return host.word("/proc/sys/kernel/arch") or os.uname().machine


def cloud(host: Host, gpus: Iterable[Gpu], packages: dict[str, str]) -> str:
    """The image or the platform whose maker takes care of the driver, empty if that is us."""
    if host.exists("/opt/aws/dlami"):
        return "aws_dlami"
    if host.exists("/opt/deeplearning/metadata") or host.exists("/opt/deeplearning/install-driver.sh"):
        return "gcp_dlvm"
    if any(name.startswith("lambda-stack") for name in packages):
        return "lambda_stack"
    if host.word("/sys/class/dmi/id/chassis_asset_tag") == AZURE_TAG:
        return _azure(host, gpus)
    return ""


def _azure(host: Host, gpus: Iterable[Gpu]) -> str:
    # The licence daemon is part of no other driver than GRID.
    if host.exists("/etc/nvidia/gridd.conf") or any(gpu.device_id in AZURE_GRID_CARDS for gpu in gpus):
        return "azure_grid"
    if any(name.startswith(AZURE_EXTENSION) for name in host.names("/var/lib/waagent")):
        return "azure_cuda"
    return ""
