# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.plugin_utils import _cloud_vm_plan

MACHINES = yaml.safe_load((Path(__file__).parents[4] / "roles/cloud_vm/files/machines.yml").read_text())
VM: dict[str, Any] = {
    "name": "gpu_1",
    "service": "Shop.example",
    "tags": {"Cost Centre": "R&D", "hearth_vm": "no"},
    "data_path": "/var/lib/hearth-data/",
    "provider": "aws",
    "region": "us-east-1",
    "tier": "single_user",
    "machine_type": "",
    "root_disk_gib": 80,
    "data_disk_gib": 200,
    "ssh_sources": ["203.0.113.7"],
    "client_sources": ["198.51.100.0/24", "2001:db8::/48"],
    "port": 443,
    "ssh_from_anywhere": False,
    "static_address": False,
    "spot": False,
    "termination_protection": False,
    "disk_key": "",
    "hourly_price": 0,
}


def plan(**changes: Any) -> dict[str, Any]:
    return _cloud_vm_plan.plan({**VM, **changes}, MACHINES)


def test_a_tier_is_a_machine_with_its_gpus_its_price_and_its_doors() -> None:
    found = plan()
    assert found["findings"] == []
    assert found["machine_type"] == "g6.xlarge"
    assert found["gpus"] == [{"index": 0, "name": "NVIDIA L4", "memory_bytes": 24_000_000_000}]
    assert (found["cpus"], found["memory_bytes"]) == (4, 16 << 30)
    # 0.8048 for the machine, 280 GiB at 0.08 a month, 0.005 for the address.
    assert found["cost"]["hourly"] == pytest.approx(0.8048 + 280 * 0.08 / 730 + 0.005, abs=1e-4)
    assert [(rule["port"], rule.get("ipv4"), rule.get("ipv6")) for rule in found["rules"]] == [
        (22, ["203.0.113.7/32"], None),
        (443, ["198.51.100.0/24"], None),
        (443, None, ["2001:db8::/48"]),
    ]


def test_what_the_seed_took_for_an_l4_is_an_l40s() -> None:
    (gpu,) = plan(machine_type="g6e.xlarge")["gpus"]
    assert (gpu["name"], gpu["memory_bytes"]) == ("NVIDIA L40S", 48 * 10**9)
    assert len(plan(machine_type="g6.12xlarge")["gpus"]) == 4


def test_a_machine_without_a_known_price_has_none_until_it_is_named() -> None:
    assert plan(region="sa-east-1")["cost"]["hourly"] is None
    assert plan(machine_type="p9.xlarge")["cost"]["hourly"] is None
    assert plan(region="sa-east-1", hourly_price=2)["cost"]["hourly"] == 2


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = plan(region="", tier="huge", ssh_sources=["::/1", "8000::/1", "10.0.0.1/8"], client_sources=[])["findings"]
    for said in (
        "cloud_vm_region is empty",
        "cloud_vm_tier is 'huge', and aws has budget, single_user, multi_session",
        "cloud_vm_ssh_sources: 10.0.0.1/8 has host bits set",
        "cloud_vm_client_sources is empty, so nobody could reach port 443",
        "opens SSH to the whole world (::/0)",
    ):
        assert any(said in finding for finding in found), (said, found)
    assert plan(ssh_sources=["0.0.0.0/0"], ssh_from_anywhere=True)["findings"] == []


def test_what_a_provider_does_not_have_is_refused() -> None:
    lacks = plan(provider="lambda", spot=True, disk_key="mine")["findings"]
    assert len(lacks) == 3
    assert plan(provider="lambda", data_disk_gib=0)["findings"] == []


@pytest.mark.parametrize("provider", MACHINES["tiers"])
def test_every_tier_is_a_machine_whose_price_is_known_somewhere(provider: str) -> None:
    known = {name for region in MACHINES["prices"][provider]["regions"].values() for name in region["machines"]}
    tiers = set(MACHINES["tiers"][provider].values())
    assert tiers <= MACHINES["machines"][provider].keys()
    assert tiers <= known
    assert known <= MACHINES["machines"][provider].keys()


def volume(device: str, size: int, encrypted: bool = True) -> dict[str, Any]:
    return {"id": f"vol-{size}", "size": size, "encrypted": encrypted, "attachment_set": [{"device": device}]}


def test_what_is_there_is_compared_with_what_is_described() -> None:
    there = {"machine_type": "g6.xlarge", "root_device": "/dev/sda1", "data_device": "/dev/sdf"}
    disks = [volume("/dev/sda1", 80), volume("/dev/sdf", 200), volume("/dev/sdg", 7)]

    def differences(changes: dict[str, Any], **found: Any) -> list[str]:
        vm = {**VM, **changes}
        told: list[str] = _cloud_vm_plan.plan(vm, MACHINES, {**there, "volumes": disks, **found})["differences"]
        return told

    assert plan()["differences"] == differences({}) == []
    assert differences({"machine_type": "g6.12xlarge"}) == ["it is a g6.xlarge, and a g6.12xlarge is described"]
    assert differences({"root_disk_gib": "100"}) == ["its root disk has 80 GiB, and cloud_vm_root_disk_gib is 100"]
    assert differences({}, volumes=disks[:1]) == ["its data disk has 0 GiB, and cloud_vm_data_disk_gib is 200"]
    assert differences({}, volumes=[*disks, volume("/dev/sdh", 9, encrypted=False)]) == ["not encrypted: vol-9"]


def test_what_belongs_to_it_is_found_again_by_names_that_the_provider_takes() -> None:
    found = plan()
    assert found["resource"] == "hearth_Shop.example_gpu_1"
    assert found["tags"] == {
        "Name": "gpu_1",
        "Cost Centre": "R&D",
        "hearth_service": "Shop.example",
        "hearth_vm": "gpu_1",
    }
    assert found["gcp"]["resource"] == "hearth-shop-example-gpu-1"
    assert found["gcp"]["labels"]["hearth_service"] == "shop-example"
    assert found["gcp"]["labels"]["cost centre"] == "r-d"


def test_a_mount_has_the_name_that_systemd_gives_it() -> None:
    assert plan()["mount_unit"] == r"var-lib-hearth\x2ddata.mount"
