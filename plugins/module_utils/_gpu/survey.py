# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GPUs of a host, their driver, and what containers can ask for. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._gpu import (
    containers,
    devices,
    driver,
    packages,
    report,
    smi,
    surroundings,
)
from ansible_collections.hearth.llm.plugins.module_utils._gpu.state import (
    OLDEST_USEFUL_BRANCH,
    Found,
    judge,
    wanted_flavour,
)
from ansible_collections.hearth.llm.plugins.module_utils._host.facts import virtualisation
from ansible_collections.hearth.llm.plugins.module_utils._host.wsl import DRIVER_DIRECTORY

if TYPE_CHECKING:
    from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host

WSL_LIBRARY = f"{DRIVER_DIRECTORY}/libcuda.so.1"


def look(host: Host, minimum_version: str, timeout_seconds: float) -> dict[str, Any]:
    gpus, left_out = devices.survey(host)
    wsl_offers_gpu = host.is_wsl and host.exists(WSL_LIBRARY)
    looks_deeper = wsl_offers_gpu or any(gpu.is_nvidia for gpu in gpus)
    known = packages.installed(host) if looks_deeper else {}
    versions = {name: package.version for name, package in known.items()}
    smi_answer, gpus, given_up = smi.ask(host, gpus, timeout_seconds) if looks_deeper else (smi.Answer(), gpus, [])
    gpus, outdated = devices.without_outdated(gpus, OLDEST_USEFUL_BRANCH, numbered=smi_answer.works)
    left_out += given_up + outdated
    here = _driver(host, known) if looks_deeper else driver.Driver()
    system = _system(host, surroundings.cloud(host, gpus, versions) if looks_deeper else "")
    found = Found(
        gpus=gpus,
        driver=here,
        smi=smi_answer,
        kernel=system["kernel"],
        minimum=minimum_version,
        wsl=host.is_wsl,
        wsl_offers_gpu=wsl_offers_gpu,
        cloud=system["cloud"],
        left_out=left_out,
    )
    state, reasons = judge(found)
    return {
        "state": state,
        "reason": " ".join(reasons),
        "usable": _is_usable(state, found),
        "gpus": [asdict(gpu) for gpu in gpus],
        "left_out": [asdict(card) for card in left_out],
        "driver": {**asdict(here), "wanted_flavour": wanted_flavour(found.usable)},
        "nvidia_smi": asdict(smi_answer),
        "container_toolkit": asdict(containers.toolkit(versions)),
        "cdi": containers.cdi_names(host),
        "system": system,
        "report": report.as_text(state, reasons, gpus, left_out),
    }


def _is_usable(state: str, found: Found) -> bool:
    if state in ("wsl", "cloud_managed"):
        return found.smi.works and driver.at_least(found.smi.version, found.minimum)
    return state == "fine"


def _driver(host: Host, known: dict[str, packages.Package]) -> driver.Driver:
    version, flavour = driver.loaded(host)
    return driver.Driver(
        loaded=version,
        flavour=flavour,
        installed=driver.installed(host),
        library=driver.library(host),
        packages={name: package.version for name, package in known.items() if "container" not in name},
        held=sorted(name for name, package in known.items() if package.held),
        nouveau=host.exists("/sys/module/nouveau"),
        device_nodes=driver.device_nodes(host),
    )


def _system(host: Host, cloud: str) -> dict[str, Any]:
    release = host.settings("/etc/os-release")
    return {
        "id": release.get("ID", ""),
        "version": release.get("VERSION_ID", ""),
        "like": release.get("ID_LIKE", "").split(),
        "kernel": host.word("/proc/sys/kernel/osrelease"),
        "kernels": host.names("/lib/modules"),
        "architecture": surroundings.architecture(host),
        "secure_boot": surroundings.secure_boot(host),
        "virtualisation": virtualisation(host),
        "cloud": cloud,
        "nvswitch": devices.has_nvswitch(host),
    }
