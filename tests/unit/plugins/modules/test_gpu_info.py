# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._host.files import Host
from ansible_collections.hearth.llm.plugins.modules import gpu_info
from fakes.gpu_host import Machine, build
from fakes.gpu_machines import MACHINES, RTX_4090

MIB = 1 << 20
STATES = {
    "nothing": "none",
    "amd and intel": "none",
    "kepler": "none",
    "wsl": "wsl",
    "wsl with a driver inside": "wsl",
    "wsl without a gpu": "none",
    "wsl with an old driver": "wsl",
    "wsl without nvidia-smi": "wsl",
    "dlami": "cloud_managed",
    "dlvm before its driver": "cloud_managed",
    "lambda stack": "cloud_managed",
    "azure grid": "cloud_managed",
    "azure cuda": "cloud_managed",
    "1080 beside 5090": "wrong_flavour",
    "1080 with open modules": "wrong_flavour",
    "5090 with proprietary modules": "wrong_flavour",
    "fine a100": "fine",
    "fine, but not held, and without toolkit": "fine",
    "h100 cut into parts": "fine",
    "waits for a reboot": "needs_reboot",
    "only has to be loaded": "needs_reboot",
    "driver for another kernel": "needs_reboot",
    "updated without a reboot": "library_mismatch",
    "too old": "too_old",
    "too old, from nvidia's own installer": "too_old",
    "hangs": "broken",
    "only card for a virtual machine": "none",
    "only card for a virtual machine of xen": "none",
    "first card for a virtual machine": "fine",
    "shared out among virtual machines": "none",
    "fallen off the bus": "none",
    "first of two fallen off the bus": "fine",
    "lost by the driver alone": "fine",
    "driver for one of two": "fine",
    "nouveau beside the driver": "fine",
    "switched off": "fine",
    "left alone by the driver": "fine",
}
# Of NVIDIA's, the numbers of the cards that are the host's, and what is said of the others.
NOT_THE_HOSTS = {
    "only card for a virtual machine": ([], ["vfio-pci holds it for a virtual machine"]),
    "only card for a virtual machine of xen": ([], ["pciback holds it for a virtual machine (Xen)"]),
    "first card for a virtual machine": ([0], ["vfio-pci holds it"]),
    "second card for a virtual machine, no driver": ([0], ["vfio-pci holds it"]),
    "card of another age for a virtual machine": ([0], ["vfio-pci holds it"]),
    "kepler beside a new 4090": ([0], ["its last driver is 470"]),
    "shared out among virtual machines": ([], ["NVIDIA's vGPU manager shares it out"]),
    "fallen off the bus": ([], ["it does not answer on the bus"]),
    # The driver goes on counting what it has lost.
    "first of two fallen off the bus": ([1], ["it does not answer on the bus"]),
    "lost by the driver alone": ([1], ["nvidia-smi says of it: Unknown Error"]),
    "driver for one of two": ([0], ["does not drive it: nothing drives it"]),
    "nouveau beside the driver": ([0], ["does not drive it: nouveau holds it"]),
    "virtual functions beside their card": ([0], ["a virtual function (SR-IOV) of 0000:01:00.0"] * 2),
    "switched off": ([1], ["it is switched off (enable is 0)"]),
    "left alone by the driver": ([0], ["NVreg_ExcludedGpus"]),
}
USABLE = {name for name, state in STATES.items() if state == "fine"} | {"wsl", "dlami", "azure cuda"}


def look(root: Path, machine: Machine, **params: Any) -> dict[str, Any]:
    host = Host(str(build(root, machine)))
    return gpu_info.run({"minimum_version": "580", "timeout_seconds": 0.5, "root": host.root, **params}, host)


@pytest.mark.parametrize("name", MACHINES)
def test_each_machine_is_in_the_state_that_a_person_would_say(tmp_path: Path, name: str) -> None:
    found = look(tmp_path, MACHINES[name])
    assert found["state"] == STATES.get(name, "not_installed"), found["reason"]
    assert found["usable"] == (name in USABLE), found["reason"]
    assert found["reason"].endswith(".")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "There is no GPU."),
        ("amd and intel", "AMD GPU [1002:744c] is not NVIDIA's"),
        ("kepler", "is too old: its last driver is 470"),
        ("1080 beside 5090", "No driver drives all of NVIDIA GeForce GTX 1080, NVIDIA GeForce RTX 5090"),
        ("1080 with open modules", "GTX 1080 needs the proprietary kernel modules, and those here are open"),
        ("5090 with proprietary modules", "RTX 5090 needs the open kernel modules"),
        ("waits for a reboot", "nouveau holds the card"),
        ("driver for another kernel", "installed for the kernel 6.8.0-60-generic, and 6.8.0-59-generic is running"),
        ("updated without a reboot", "The kernel runs driver 580.82.07, but its libraries are 580.95.05"),
        ("packages without a module", "the headers of 6.1.0-40-amd64 may be missing"),
        ("hangs", "gave no answer within"),
        ("wsl with a driver inside", "remove nvidia-driver-580"),
        ("wsl without a gpu", "install NVIDIA's driver in Windows, not here"),
        ("dlvm before its driver", "a Google Deep Learning VM"),
        ("lambda stack", "570.148.08 is older than 580: choose a newer image, or"),
        ("azure grid", "needs Azure's GRID driver"),
    ],
)
def test_the_reason_says_what_was_found_and_what_to_do(tmp_path: Path, name: str, words: str) -> None:
    assert words in look(tmp_path, MACHINES[name])["reason"]


def test_without_a_driver_a_card_is_known_by_its_number(tmp_path: Path) -> None:
    (gpu,) = look(tmp_path, MACHINES["new 4090 on ubuntu 24.04"])["gpus"]
    assert (gpu["name"], gpu["memory_bytes"], gpu["memory_source"]) == ("NVIDIA GeForce RTX 4090", 24 << 30, "table")
    assert (gpu["architecture"], gpu["open_modules"], gpu["driver"]) == ("ada", "supported", "nouveau")
    assert (gpu["index"], gpu["pci_address"], gpu["memory_free_bytes"]) == (0, "0000:01:00.0", None)


def test_with_a_driver_it_is_known_by_what_the_driver_says(tmp_path: Path) -> None:
    first, second = look(tmp_path, MACHINES["fine a100"])["gpus"]
    assert (first["memory_bytes"], first["memory_free_bytes"]) == (81920 * MIB, 81408 * MIB)
    assert (second["index"], second["pci_address"], second["memory_source"]) == (1, "0000:02:00.0", "driver")


def test_the_table_counts_what_check_bits_take(tmp_path: Path) -> None:
    table = look(tmp_path / "new", Machine(cards=("10de:1eb8",)))["gpus"][0]["memory_bytes"]
    told = look(tmp_path / "fine", MACHINES["fine, but not held, and without toolkit"])["gpus"][0]["memory_bytes"]
    assert table == told == 15360 * MIB


@pytest.mark.parametrize(
    ("device", "architecture", "open_modules"),
    [
        ("13c2", "maxwell", "unsupported"),
        ("2191", "turing", "supported"),
        ("2717", "ada", "supported"),
        ("2bff", "blackwell", "required"),
        ("2342", "hopper", "required"),
        ("3340", "newer", "required"),
    ],
)
def test_an_unknown_card_is_judged_by_its_neighbours(
    tmp_path: Path, device: str, architecture: str, open_modules: str
) -> None:
    (gpu,) = look(tmp_path, Machine(cards=(f"10de:{device}",)))["gpus"]
    assert (gpu["architecture"], gpu["open_modules"]) == (architecture, open_modules)
    assert gpu["memory_bytes"] is None


def test_parts_of_a_card_are_listed_with_their_memory(tmp_path: Path) -> None:
    found = look(tmp_path, MACHINES["h100 cut into parts"])
    mig = found["gpus"][0]["mig"]
    assert mig["enabled"]
    assert [(part["profile"], part["memory_bytes"] >> 30) for part in mig["devices"]] == [
        ("1g.10gb", 10),
        ("3g.40gb", 40),
    ]
    assert found["cdi"] == ["nvidia.com/gpu=0:0", "nvidia.com/gpu=0:1", "nvidia.com/gpu=all"]


def test_under_wsl_the_cards_are_those_that_windows_names(tmp_path: Path) -> None:
    (gpu,) = look(tmp_path, MACHINES["wsl"])["gpus"]
    assert (gpu["name"], gpu["memory_bytes"]) == ("NVIDIA GeForce RTX 4090", 24564 * MIB)


def test_names_of_a_driver_that_windows_has_taken_away_are_not_given_to_containers(tmp_path: Path) -> None:
    machine = dataclasses.replace(MACHINES["wsl"], cdi=("all",))
    store = "/usr/lib/wsl/drivers/nv_dispi.inf_amd64_1f"
    host = Host(str(build(tmp_path, machine)))
    specification = tmp_path / "var/run/cdi/nvidia.yaml"
    specification.write_text(specification.read_text() + f"  mounts:\n  - hostPath: {store}/libcuda.so.1.1\n")
    params = {"minimum_version": "580", "timeout_seconds": 0.5}
    assert gpu_info.run(params, host)["cdi"] == []
    (tmp_path / store.lstrip("/")).mkdir(parents=True)
    assert gpu_info.run(params, host)["cdi"] == ["nvidia.com/gpu=all"]


def test_each_vendor_has_numbers_of_its_own(tmp_path: Path) -> None:
    found = look(tmp_path, Machine(cards=("8086:56a0", RTX_4090, "1002:744c", RTX_4090)))
    assert [(gpu["vendor"], gpu["index"]) for gpu in found["gpus"]] == [
        ("intel", 0),
        ("nvidia", 0),
        ("amd", 0),
        ("nvidia", 1),
    ]


def test_a_toolkit_of_several_versions_is_not_complete(tmp_path: Path) -> None:
    fine = look(tmp_path / "one", MACHINES["fine a100"])["container_toolkit"]
    assert (fine["complete"], fine["version"]) == (True, "1.20.0-1")
    torn = Machine(cards=(RTX_4090,), toolkit="1.20.0-1", packages=("libnvidia-container1",))
    assert not look(tmp_path / "two", torn)["container_toolkit"]["complete"]


def test_devices_are_named_by_json_files_too(tmp_path: Path) -> None:
    host = build(tmp_path, Machine())
    (host / "etc/cdi").mkdir()
    (host / "etc/cdi/vendor.json").write_text('{"kind": "vendor.com/gpu", "devices": [{"name": "a"}]}')
    (host / "etc/cdi/broken.json").write_text('{"kind": ')
    assert gpu_info.run({"minimum_version": "580", "timeout_seconds": 1}, Host(str(host)))["cdi"] == [
        "vendor.com/gpu=a"
    ]


def test_the_minimum_is_the_users(tmp_path: Path) -> None:
    assert look(tmp_path / "a", MACHINES["too old"], minimum_version="535")["state"] == "fine"
    assert look(tmp_path / "b", MACHINES["fine a100"], minimum_version="580.100")["state"] == "too_old"


def test_the_table_for_people_names_every_card(tmp_path: Path) -> None:
    report = look(tmp_path, MACHINES["new l40s on rocky 9"])["report"]
    assert "not_installed" in report
    assert report.count("NVIDIA L40S") == 2
    assert "45.0 GiB" in report


@pytest.mark.parametrize("name", NOT_THE_HOSTS)
def test_cards_that_are_not_the_hosts_are_left_out_and_named_and_the_others_numbered_as_the_driver_does(
    tmp_path: Path, name: str
) -> None:
    found = look(tmp_path, MACHINES[name])
    numbers, reasons = NOT_THE_HOSTS[name]
    assert [gpu["index"] for gpu in found["gpus"]] == numbers
    assert len(found["left_out"]) == len(reasons)
    for card, reason in zip(found["left_out"], reasons, strict=True):
        assert reason in card["reason"]
        assert f"{card['name']} at {card['pci_address']} is left out: {card['reason']}." in found["reason"]
        assert f"{card['name']} left out {card['pci_address']}" in " ".join(found["report"].split())
    # A driver is chosen for the cards that it is for.
    assert name != "card of another age for a virtual machine" or found["driver"]["wanted_flavour"] == "open"


def test_a_card_that_sleeps_is_there_and_one_without_power_is_not(tmp_path: Path) -> None:
    root = build(tmp_path, Machine(cards=(RTX_4090, RTX_4090)))
    for number in (1, 2):
        (root / f"sys/bus/pci/devices/0000:0{number}:00.0/power_state").write_text("D3cold\n")
    (root / "sys/bus/pci/devices/0000:02:00.0/config").unlink()
    found = gpu_info.run({"minimum_version": "580", "timeout_seconds": 1}, Host(str(root)))
    assert [gpu["pci_address"] for gpu in found["gpus"]] == ["0000:01:00.0"]
    assert "no power (D3cold)" in found["reason"]


def test_a_card_of_another_maker_that_a_virtual_machine_has_is_left_out_as_well(tmp_path: Path) -> None:
    found = look(tmp_path, Machine(cards=("1002:744c", "1002:744c"), held_by={0: "vfio-pci", 1: "amdgpu"}))
    assert [(gpu["vendor"], gpu["index"], gpu["driver"]) for gpu in found["gpus"]] == [("amd", 0, "amdgpu")]
    assert [card["driver"] for card in found["left_out"]] == ["vfio-pci"]


@pytest.mark.parametrize("words", ["GPU0: 0000:{:02X}:00.0: Unknown Error", "GPU 0000:{:02X}:00.0: GPU is lost."])
def test_a_lost_card_is_known_by_the_words_of_every_driver(tmp_path: Path, words: str) -> None:
    found = look(tmp_path, replace(MACHINES["lost by the driver alone"], lost_words=words))
    assert (found["state"], [gpu["index"] for gpu in found["gpus"]]) == ("fine", [1])
    assert "nvidia-smi says of it" in found["left_out"][0]["reason"]


@pytest.mark.parametrize("words", ["[GPU requires reset]", "[Unknown Error]", "ERR!", "[GPU is lost]"])
def test_a_card_that_answers_with_an_error_in_place_of_its_memory_is_left_out(tmp_path: Path, words: str) -> None:
    found = look(tmp_path, replace(MACHINES["fine a100"], cells={0: words}))
    assert [gpu["index"] for gpu in found["gpus"]] == [1]
    assert f"nvidia-smi says of it: {words.strip('[]')}" in found["reason"]
