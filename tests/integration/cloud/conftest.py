# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM in a cloud that is moto's server, and plays that make it, keep it and take it away."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration import locked
from integration.conftest import PROJECT, Outcome, Runner, environment

LOCK = Path(__file__).with_name("moto.txt")
REGION = "us-east-1"
DESCRIPTION = {
    "cloud_vm_provider": "aws",
    "cloud_vm_region": REGION,
    "cloud_vm_ssh_sources": ["203.0.113.0/24", "2001:db8::/48"],
    "cloud_vm_accept_cost": 1,
    "hearth_domain": "llm.example.com",
    "hearth_lan_sources": ["198.51.100.0/25", "198.51.100.128/25"],
    # moto's machines do not run.
    "cloud_vm_prepare": False,
}


class Cloud:
    """An account of AWS in which there is nothing yet, and a host that is to be a VM in it."""

    def __init__(self, playbook: Runner, url: str, packages: Path, home: Path) -> None:
        self.home = home
        self.playbook = playbook
        self.variables = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "PYTHONPATH": str(packages),
        }
        sys.path.append(str(packages))
        self.ec2: Any = importlib.import_module("boto3").client(
            "ec2", REGION, endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing"
        )

    def provision(self, *options: str, succeeds: bool = True, **description: Any) -> Outcome:
        return self._run("provision_cloud_vm", *options, succeeds=succeeds, **description)

    def destroy(self, *options: str, succeeds: bool = True, **description: Any) -> Outcome:
        return self._run("destroy_cloud_vm", *options, succeeds=succeeds, **description)

    def _run(self, play: str, *options: str, succeeds: bool, **description: Any) -> Outcome:
        self.playbook.hosts({"llm": {**DESCRIPTION, **description}})
        path = PROJECT / f"playbooks/{play}.yml"
        return self.playbook(path, *options, "--diff", succeeds=succeeds, variables=self.variables)

    def found(self) -> dict[str, str]:
        """What the dynamic inventory finds, as our inventory has it: name → address."""
        command = [str(Path(sys.executable).with_name("ansible-inventory")), "--list", "--inventory"]
        inventory = PROJECT / "inventories/gpu_vm_aws/aws_ec2.yml"
        known = {**environment(self.home), **self.variables}
        listed = json.loads(subprocess.run([*command, inventory], env=known, check=True, capture_output=True).stdout)
        # What comes from outside is marked as never to be a template.
        return {name: facts["ansible_host"]["__ansible_unsafe"] for name, facts in listed["_meta"]["hostvars"].items()}

    @property
    def instances(self) -> list[dict[str, Any]]:
        """Those that are not gone."""
        found = self.ec2.describe_instances()["Reservations"]
        every = [instance for reservation in found for instance in reservation["Instances"]]
        return [instance for instance in every if instance["State"]["Name"] != "terminated"]

    @property
    def groups(self) -> list[dict[str, Any]]:
        found = self.ec2.describe_security_groups()["SecurityGroups"]
        return [group for group in found if group["GroupName"] != "default"]

    @property
    def left(self) -> dict[str, Any]:
        """All that the account has beside what every account has."""
        return {
            "instances": self.instances,
            "groups": self.groups,
            "volumes": self.ec2.describe_volumes()["Volumes"],
            "keys": self.ec2.describe_key_pairs()["KeyPairs"],
            "addresses": self.ec2.describe_addresses()["Addresses"],
            "templates": self.ec2.describe_launch_templates()["LaunchTemplates"],
            "interfaces": self.ec2.describe_network_interfaces()["NetworkInterfaces"],
        }


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of moto's server."""
    environment = {"PYTHONPATH": str(PROJECT / "tests")}
    command = [str(locked.python(LOCK)), "-m", "fakes.aws"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def cloud(playbook: Runner, moto: str, tmp_path: Path) -> Cloud:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"))
    packages = next(locked.python(LOCK).parents[1].glob("lib/python*/site-packages"))
    return Cloud(playbook, moto, packages, tmp_path)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Where the role keeps what belongs to the VM."""
    return tmp_path / "inventory/.secrets/cloud_vm"


def secrets_of(outcome: Outcome, directory: Path) -> list[str]:
    """Lines of private keys that a run has shown."""
    lines = [line for path in directory.glob("*/*key") for line in path.read_text().splitlines()[1:-1]]
    assert lines
    return [line for line in lines if line in outcome.output]


def unchanged(outcome: Outcome) -> None:
    assert outcome.changed == 0, outcome.output
