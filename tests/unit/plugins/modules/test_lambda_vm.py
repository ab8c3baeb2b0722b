# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._lambda import Lambda
from ansible_collections.hearth.llm.plugins.modules import lambda_vm as module
from fakes.lambda_cloud import KEY, LambdaCloud

DESCRIPTION = {
    "name": "llm",
    "state": "present",
    "machine_type": "gpu_1x_a10",
    "region": "us-east-1",
    "image_family": "lambda-stack-24-04",
    "public_key": "ssh-ed25519 AAAA hearth",
    "user_data": "#cloud-config\n",
    "tags": {"hearth_vm": "llm"},
    "highest_hourly_price": 1.5,
    "wait_seconds": 60.0,
}


@pytest.fixture
def account() -> Iterator[LambdaCloud]:
    with LambdaCloud() as running:
        yield running


def run(account: LambdaCloud, *, key: str = KEY, check_mode: bool = False, **description: Any) -> dict[str, Any]:
    with Client(attempts=1) as client:
        cloud = Lambda(account.url, key, client, pause=lambda _seconds: None)
        return module.run({**DESCRIPTION, **description}, cloud, check_mode=check_mode)


def test_a_machine_comes_with_its_key_stays_and_goes(account: LambdaCloud) -> None:
    dry = run(account, check_mode=True, public_key=None)
    assert (dry["changed"], dry["machine"], dry["hourly_price"], account.writes) == (True, {}, 1.29, [])

    made = run(account)
    assert made["machine"] == {
        "id": "machine2",
        "address": "198.51.100.7",
        "machine_type": "gpu_1x_a10",
        "region": "us-east-1",
        "status": "active",
    }
    ((_path, key), (_launch, launched)) = account.writes
    assert key == {"name": "llm", "public_key": "ssh-ed25519 AAAA"}
    assert launched["ssh_key_names"] == ["llm"]
    assert launched["image"] == {"family": "lambda-stack-24-04"}
    assert launched["user_data"] == "#cloud-config\n"
    assert launched["tags"] == [{"key": "hearth_vm", "value": "llm"}]

    again = run(account, highest_hourly_price=0)
    assert (again["changed"], again["machine"], len(account.writes)) == (False, made["machine"], 2)

    gone = run(account, state="absent")
    assert (gone["changed"], gone["machine"], account.keys) == (True, {}, [])
    assert account.machines[0]["status"] == "terminated"
    assert run(account, state="absent")["changed"] is False


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"highest_hourly_price": 1.0}, "gpu_1x_a10 costs 1.29 USD an hour at Lambda, and highest_hourly_price is 1.0"),
        ({"region": "me-west-1"}, "no gpu_1x_a10 to spare in me-west-1 now, but in us-east-1, us-west-1"),
        ({"machine_type": "g6.xlarge"}, "Lambda has no g6.xlarge. It has gpu_1x_a10, gpu_1x_h100_pcie, gpu_8x_v100"),
        ({"public_key": None}, "without one nobody could log in"),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_made(
    account: LambdaCloud, description: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        run(account, **description)
    assert account.writes == []


def test_a_machine_that_is_there_is_never_rebuilt(account: LambdaCloud) -> None:
    run(account)
    del account.writes[:]
    with pytest.raises(
        InputError, match="llm is there with machine_type gpu_1x_a10, and machine_type gpu_1x_h100_pcie"
    ):
        run(account, machine_type="gpu_1x_h100_pcie")
    account.machines.append({**account.machines[0], "id": "twin"})
    with pytest.raises(InputError, match="2 machines are called llm"):
        run(account)
    assert account.writes == []


def test_a_launch_that_was_cut_off_is_taken_up_again(account: LambdaCloud) -> None:
    run(account)
    account.machines[0].update(status="booting", ip=None)
    assert run(account)["machine"]["address"] == "198.51.100.7"
    assert len(account.writes) == 2


def test_a_machine_that_does_not_start_is_not_waited_for_in_vain(account: LambdaCloud) -> None:
    account.next = {"booting": "unhealthy"}
    with pytest.raises(HearthError, match="Lambda calls it unhealthy"):
        run(account)
    account.next = {}
    account.machines[0]["status"] = "booting"
    with pytest.raises(HearthError, match="is not active after 0 s"):
        run(account, wait_seconds=0)


def test_a_wrong_key_is_said_and_never_shown(account: LambdaCloud) -> None:
    with pytest.raises(StatusError, match="API key was invalid") as refused:
        run(account, key="secret_wrong")
    assert "secret_wrong" not in refused.value.message
