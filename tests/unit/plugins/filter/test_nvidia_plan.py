# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.filter.nvidia_plan import nvidia_plan
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.modules import gpu_info
from fakes.gpu_host import Machine, build
from fakes.gpu_machines import L4, MACHINES, OPEN, RTX_4090, SIGNED, T4

TOOLKIT = "1.20.0-1"
# Machine: where the driver comes from, with which modules, and what makes it run. Nothing where no driver is installed.
INSTALLATIONS = {
    "new 4090 on ubuntu 24.04": ("ubuntu", "open", "reboot"),
    "new 3060 on ubuntu 22.04": ("ubuntu", "open", "reboot"),
    "new a10g on aws": ("ubuntu", "open", "load"),
    "new 4060 on debian 12": ("debian12/x86_64", "open", "reboot"),
    "new l4 on debian 13": ("debian13/x86_64", "open", "load"),
    "new l40s on rocky 9": ("rhel9/x86_64", "open", "reboot"),
    "new h100 on almalinux 10": ("rhel10/x86_64", "open", "load"),
    "new b200 on ubuntu 24.04": ("ubuntu", "open", "load"),
    "new v100 on ubuntu 24.04": ("ubuntu", "proprietary", "load"),
    "new 1080 on debian 12": ("debian12/x86_64", "proprietary", "reboot"),
    "1080 with open modules": ("debian12/x86_64", "proprietary", "load"),
    "5090 with proprietary modules": ("ubuntu", "open", "reboot"),
    "secure boot on ubuntu": ("ubuntu", "open", "load"),
    "too old": ("ubuntu", "open", "reboot"),
    "packages without a module": ("debian12/x86_64", "open", "load"),
    "azure without a driver": ("ubuntu", "open", "load"),
    "second card for a virtual machine, no driver": ("ubuntu", "open", "load"),
    # The driver is for the card that it is for.
    "card of another age for a virtual machine": ("ubuntu", "open", "load"),
    "virtual functions beside their card": ("ubuntu", "open", "load"),
    "kepler beside a new 4090": ("ubuntu", "open", "reboot"),
}
ACTIVATIONS = {
    "waits for a reboot": "reboot",
    "only has to be loaded": "load",
    "driver for another kernel": "reboot",
    "updated without a reboot": "reboot",
}
REFUSALS = {
    "new 4090 on fedora": "no driver that we could install on fedora 43",
    "new 4090 with a kernel of its own": "6.15.3-mine is not one of the distribution's",
    "1080 beside 5090": "Take one of them out",
    "secure boot on debian": "set nvidia_secure_boot_dkms to true",
    "too old, from nvidia's own installer": "nvidia-uninstall",
    "module without programs": "did not come with packages",
    "hangs": "dmesg",
    "wsl with a driver inside": "remove nvidia-driver-580",
    "wsl with an old driver": "Driver 537.42 is older than 580: update NVIDIA's driver in Windows",
    "wsl without nvidia-smi": "Windows puts it into /usr/lib/wsl/lib. Update NVIDIA's driver in Windows",
    "dlvm before its driver": "repair it as the maker of the image says",
    "lambda stack": "choose a newer image",
    "azure grid": "needs Azure's GRID driver",
}
KEPT = {"fine a100", "h100 cut into parts", "dlami", "first card for a virtual machine"}
ONLY_CONTAINERS = {
    *("fine, but not held, and without toolkit", "wsl", "azure cuda"),
    *(
        "first of two fallen off the bus",
        "lost by the driver alone",
        "driver for one of two",
        "nouveau beside the driver",
    ),
    *("switched off", "left alone by the driver"),
}
NOTHING = {
    *("nothing", "amd and intel", "kepler", "wsl without a gpu"),
    *("only card for a virtual machine", "only card for a virtual machine of xen", "fallen off the bus"),
    "shared out among virtual machines",
}


def plan(root: Path, machine: Machine, **options: Any) -> dict[str, Any]:
    host = Host(str(build(root, machine)))
    found = gpu_info.run({"minimum_version": "580", "timeout_seconds": 0.5}, host)
    return nvidia_plan(found, **{"branch": 580, "toolkit_version": TOOLKIT, **options})


@pytest.mark.parametrize("name", MACHINES)
def test_each_machine_gets_the_plan_that_a_person_would_make(tmp_path: Path, name: str) -> None:
    made = plan(tmp_path, MACHINES[name])
    if name in REFUSALS:
        assert made["verdict"] == "refuse"
        assert REFUSALS[name] in " ".join(made["refusals"])
        assert not made["steps"]
        return
    expected = "nothing" if name in NOTHING else "keep" if name in KEPT else "act"
    assert (made["verdict"], made["refusals"]) == (expected, [])
    installed = made["install"] and (
        made["source"]["repository"] or made["source"]["name"],
        made["flavour"],
        made["activate"],
    )
    assert installed == INSTALLATIONS.get(name, False)
    assert made["activate"] == (INSTALLATIONS[name][2] if name in INSTALLATIONS else ACTIVATIONS.get(name, ""))
    assert bool(made["toolkit"]) == (name in INSTALLATIONS.keys() | ACTIVATIONS.keys() | ONLY_CONTAINERS)


def test_every_machine_has_an_expectation() -> None:
    groups = (set(INSTALLATIONS), set(ACTIVATIONS), set(REFUSALS), KEPT, ONLY_CONTAINERS, NOTHING)
    assert set.union(*groups) == MACHINES.keys()
    assert sum(map(len, groups)) == len(MACHINES)


@pytest.mark.parametrize(
    ("name", "options", "packages"),
    [
        (
            "new a10g on aws",
            {},
            "linux-modules-nvidia-580-server-open-aws-6.8 nvidia-headless-no-dkms-580-server-open nvidia-utils-580-server",
        ),
        (
            "new v100 on ubuntu 24.04",
            {},
            "linux-modules-nvidia-580-server-generic-6.8 nvidia-headless-no-dkms-580-server nvidia-utils-580-server",
        ),
        (
            "new 4090 on ubuntu 24.04",
            {"source": "cuda"},
            "libnvidia-compute-580 nvidia-utils-580 nvidia-compute-utils-580 nvidia-dkms-580-open",
        ),
        ("new 4090 on ubuntu 24.04", {"source": "cuda", "branch": 595}, "libnvidia-compute nvidia-dkms-open"),
        ("new 1080 on debian 12", {}, "nvidia-driver-cuda nvidia-persistenced nvidia-kernel-dkms"),
        ("new l40s on rocky 9", {}, "nvidia-driver-cuda kmod-nvidia-open-dkms"),
    ],
)
def test_a_driver_without_a_desktop_is_installed(
    tmp_path: Path, name: str, options: dict[str, Any], packages: str
) -> None:
    assert " ".join(plan(tmp_path, MACHINES[name], **options)["source"]["packages"]) == packages


def test_switches_between_cards_get_their_manager(tmp_path: Path) -> None:
    made = plan(tmp_path / "a", MACHINES["new b200 on ubuntu 24.04"])
    assert "nvidia-fabricmanager-580" in made["source"]["packages"]
    elsewhere = dataclasses.replace(MACHINES["new h100 on almalinux 10"], nvswitch=True)
    assert any("fabric manager" in step for step in plan(tmp_path / "b", elsewhere)["steps"])


def test_a_branch_is_kept_by_what_each_system_has_for_it(tmp_path: Path) -> None:
    sources = {
        name: plan(tmp_path / name, MACHINES[name])["source"]
        for name in ("new 4060 on debian 12", "new l40s on rocky 9", "new h100 on almalinux 10")
    }
    assert [source["pin"] or source["stream"] or source["lock"] for source in sources.values()] == [
        "nvidia-driver-pinning-580",
        "nvidia-driver:580-open",
        "*nvidia*580*",
    ]


def test_modules_are_built_with_the_headers_of_this_kernel_and_of_the_next(tmp_path: Path) -> None:
    cloud = Machine(cards=(L4,), system="debian-12", kernel="6.1.0-40-cloud-amd64")
    headers = plan(tmp_path, cloud)["source"]["headers"]
    assert headers == ["linux-headers-6.1.0-40-cloud-amd64", "linux-headers-cloud-amd64"]


def test_a_driver_is_held_together_with_the_kernel_that_it_was_made_for(tmp_path: Path) -> None:
    machine = Machine(
        cards=(T4,),
        loaded=OPEN,
        smi="answers",
        told=(("Tesla T4", 15360),),
        packages=("linux-image-generic", "linux-generic", "libnvidia-compute-580-server", "linux-libc-dev"),
        held=SIGNED[:2],
    )
    held = plan(tmp_path, machine)["hold"]
    assert held == ["libnvidia-compute-580-server", "linux-generic", "linux-image-generic"]


def test_an_upgrade_is_made_only_when_it_is_asked_for(tmp_path: Path) -> None:
    assert plan(tmp_path / "a", MACHINES["fine a100"])["verdict"] == "keep"
    asked = plan(tmp_path / "b", MACHINES["fine a100"], upgrade=True)
    assert (asked["install"], asked["activate"]) == (True, "reboot")
    assert not plan(tmp_path / "c", MACHINES["dlami"], upgrade=True)["install"]


def test_a_reboot_that_is_not_allowed_is_left_to_the_user(tmp_path: Path) -> None:
    forbidden = plan(tmp_path / "a", MACHINES["waits for a reboot"])["steps"]
    allowed = plan(tmp_path / "b", MACHINES["waits for a reboot"], reboot_allowed=True)["steps"]
    assert any("do it yourself" in step for step in forbidden)
    assert "Reboot once." in allowed


def test_a_host_that_must_have_a_gpu_is_refused_without_one(tmp_path: Path) -> None:
    (refusal,) = plan(tmp_path, MACHINES["nothing"], required=True)["refusals"]
    assert "nvidia_required is true" in refusal


def test_in_a_container_no_driver_is_ever_installed(tmp_path: Path) -> None:
    seen = Machine(cards=(RTX_4090,), files=(".dockerenv",))
    assert plan(tmp_path / "a", seen)["verdict"] == "nothing"
    assert "has given it no GPU" in plan(tmp_path / "b", seen, required=True)["refusals"][0]
    given = dataclasses.replace(MACHINES["fine, but not held, and without toolkit"], files=(".dockerenv",))
    made = plan(tmp_path / "c", given)
    assert (made["manages_driver"], made["hold"]) == (False, [])


def test_only_a_driver_of_ours_is_taken_care_of(tmp_path: Path) -> None:
    ours = {name for name in MACHINES if plan(tmp_path / name, MACHINES[name])["manages_driver"]}
    assert {"fine a100", "waits for a reboot", "too old"} <= ours
    assert ours.isdisjoint({*NOTHING, "wsl", "dlami", "azure cuda", "azure grid", "lambda stack"})


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("new b200 on ubuntu 24.04", {"branch": 550}, "NVIDIA B200 needs branch 570 or newer"),
        ("new v100 on ubuntu 24.04", {"branch": 595}, "The last branch for NVIDIA Tesla V100-SXM2-16GB is 580"),
        ("new v100 on ubuntu 24.04", {"flavour": "open"}, "The open kernel modules do not drive NVIDIA Tesla V100"),
        (
            "new b200 on ubuntu 24.04",
            {"flavour": "proprietary"},
            "The proprietary kernel modules do not drive NVIDIA B200",
        ),
        ("new 4090 on ubuntu 24.04", {"flavour": "proprietary", "branch": 595}, "set nvidia_branch to 580"),
        ("new 4060 on debian 12", {"source": "ubuntu"}, "this is not Ubuntu"),
    ],
)
def test_wishes_that_cannot_be_had_are_refused(tmp_path: Path, name: str, options: dict[str, Any], words: str) -> None:
    made = plan(tmp_path, MACHINES[name], **options)
    assert made["verdict"] == "refuse"
    assert words in " ".join(made["refusals"])


def test_secure_boot_gives_way_where_the_user_enrols_a_key(tmp_path: Path) -> None:
    assert plan(tmp_path, MACHINES["secure boot on debian"], secure_boot_dkms=True)["install"]


def test_a_newer_toolkit_stays_and_an_older_one_is_replaced_as_a_whole(tmp_path: Path) -> None:
    assert plan(tmp_path / "a", MACHINES["dlami"])["toolkit"] == []
    due = plan(tmp_path / "b", MACHINES["fine a100"], toolkit_version="1.21.0-1")["toolkit"]
    assert len(due) == 4
    assert all(package.endswith("=1.21.0-1") for package in due)
    assert plan(tmp_path / "c", MACHINES["new l40s on rocky 9"])["toolkit"][0] == "nvidia-container-toolkit=1.20.0-1"


def test_hosts_without_containers_get_no_toolkit(tmp_path: Path) -> None:
    assert plan(tmp_path, MACHINES["only has to be loaded"], containers=False)["toolkit"] == []
