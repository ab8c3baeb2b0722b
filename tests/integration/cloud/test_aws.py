# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM on AWS is made as described, kept so, and taken away without a trace."""

from __future__ import annotations

import base64
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import yaml
from integration.conftest import PROJECT

from .conftest import Cloud, secrets_of, unchanged


def test_the_way_of_a_vm_from_nothing_to_nothing_and_once_more(cloud: Cloud, secrets: Path) -> None:
    nothing = cloud.left

    model = {"source": f"file://{PROJECT}/files/models/hearth-mini.gguf", "context_tokens": 2048}
    dry = cloud.provision("--check", hearth_models={"mini": model})
    # Planned for a machine that is not there yet.
    assert "fits mini" in dry.words
    assert re.search(r"GPU 0: [\d.]+ MiB of 21.9 GiB planned", dry.words)
    assert "llm will be a g6.xlarge in us-east-1 (NVIDIA L4) for 0.8405 USD an hour, 613.55 USD a month" in dry.words
    # Of the newest image, by Canonical itself.
    assert "Would make llm, a g6.xlarge, from ami-00000000000000001" in dry.words
    assert dry.changed > 0
    assert cloud.left == nothing, "a dry run made something"
    assert not secrets.exists()

    made = cloud.provision("-vvv", ansible_user="operator")
    (first,) = cloud.instances
    _is_as_described(cloud, first)
    _is_told_what_we_trust(cloud, first, secrets)
    assert secrets_of(made, secrets) == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.glob("*/*")} == {0o600}

    # On to site.yml in the same command, up to where a machine of moto's ends.
    # Nothing leaves this machine.
    way = {"ansible_connection": "ssh", "ansible_ssh_common_args": "-o ProxyCommand=false -o ControlPath=none"}
    served = {"hearth_models": {"mini": model}}
    handed_over = cloud.provision(str(PROJECT / "site.yml"), "-vvv", succeeds=False, **way, **served)
    unchanged(handed_over)
    assert f"<{first['PublicIpAddress']}> ESTABLISH SSH CONNECTION" in handed_over.output, handed_over.output
    assert cloud.found() == {"llm": first["PublicIpAddress"]}
    unchanged(cloud.provision("--check"))
    assert [instance["InstanceId"] for instance in cloud.instances] == [first["InstanceId"]]

    cloud.destroy()
    assert cloud.left == nothing
    assert list(secrets.iterdir()) == []
    unchanged(cloud.destroy())

    options = {"cloud_vm_spot": True, "cloud_vm_static_address": True, "cloud_vm_termination_protection": True}
    cloud.provision(**options)
    (second,), (address,) = cloud.instances, cloud.left["addresses"]
    assert second["InstanceLifecycle"] == "spot"
    assert address["InstanceId"] == second["InstanceId"]
    unchanged(cloud.provision(**options))

    refused = cloud.destroy(succeeds=False, **options)
    assert "cloud_vm_termination_protection keeps llm from being deleted" in refused.words
    cloud.provision()
    assert cloud.left["addresses"] == []
    assert cloud.destroy("--check").changed > 0
    assert cloud.instances
    cloud.destroy()
    assert cloud.left == nothing


def _is_as_described(cloud: Cloud, instance: dict[str, Any]) -> None:
    assert instance["InstanceType"] == "g6.xlarge"
    assert instance["ImageId"] == "ami-00000000000000001"
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags == {"Name": "llm", "hearth_vm": "llm", "hearth_service": "llm.example.com"}

    volumes = cloud.ec2.describe_volumes()["Volumes"]
    assert sorted(volume["Size"] for volume in volumes) == [80, 200]
    assert all(volume["Encrypted"] and volume["VolumeType"] == "gp3" for volume in volumes)
    assert all(disk["Ebs"]["DeleteOnTermination"] for disk in instance["BlockDeviceMappings"])

    (group,) = cloud.groups
    assert [one["GroupId"] for one in instance["SecurityGroups"]] == [group["GroupId"]]
    assert _openings(group) == {(22, "203.0.113.0/24"), (22, "2001:db8::/48"), (443, "198.51.100.0/24")}

    (key,) = cloud.ec2.describe_key_pairs()["KeyPairs"]
    assert instance["KeyName"] == key["KeyName"]


def _openings(group: dict[str, Any]) -> set[tuple[int, str]]:
    return {
        (rule["FromPort"], source.get("CidrIp") or source["CidrIpv6"])
        for rule in group["IpPermissions"]
        for source in [*rule["IpRanges"], *rule["Ipv6Ranges"]]
        if rule["ToPort"] == rule["FromPort"]
    }


def _is_told_what_we_trust(cloud: Cloud, instance: dict[str, Any], secrets: Path) -> None:
    answer = cloud.ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    text = base64.b64decode(answer["UserData"]["Value"]).decode()
    assert text.startswith("#cloud-config\n")
    told = yaml.safe_load(text)
    (user,) = told["users"]
    assert user["name"] == "operator"
    assert user["lock_passwd"]
    assert not told["ssh_pwauth"]
    assert user["ssh_authorized_keys"] == [(secrets / "llm/ssh_key.pub").read_text().strip()]

    # The half that it is given and the half that we trust belong together.
    given = secrets.parent / "given"
    given.touch(mode=0o600)
    given.write_text(told["ssh_keys"]["ed25519_private"])
    public = subprocess.run(["ssh-keygen", "-y", "-f", given], check=True, capture_output=True, text=True).stdout
    assert (secrets / "llm/known_hosts").read_text().split() == ["llm", *public.split()[:2]]


def test_what_drifted_is_put_right_and_what_cannot_be_is_said(cloud: Cloud) -> None:
    cloud.provision()
    (instance,), (group,) = cloud.instances, cloud.groups
    anybody = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    cloud.ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[anybody])
    # All of them, for moto forgets what is not named.
    others = {
        "HttpPutResponseHopLimit": 1,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
    }
    cloud.ec2.modify_instance_metadata_options(InstanceId=instance["InstanceId"], HttpTokens="optional", **others)
    cloud.ec2.stop_instances(InstanceIds=[instance["InstanceId"]])

    dry = cloud.provision("--check")
    assert dry.changed > 0
    assert "8080" in dry.output
    assert len(_openings(cloud.groups[0])) == 4, "a dry run closed a port"
    cloud.provision()
    _is_as_described(cloud, cloud.instances[0])
    assert cloud.instances[0]["State"]["Name"] == "running"
    unchanged(cloud.provision())

    refused = cloud.provision(
        succeeds=False, cloud_vm_tier="multi_session", cloud_vm_data_disk_gib=500, cloud_vm_accept_cost=9
    )
    assert "it is a g6.xlarge, and a g6e.xlarge is described" in refused.words
    assert "its data disk has 200 GiB, and cloud_vm_data_disk_gib is 500" in refused.words
    assert [one["InstanceId"] for one in cloud.instances] == [instance["InstanceId"]]


def test_nothing_is_made_that_was_not_agreed_to(cloud: Cloud, secrets: Path) -> None:
    nothing = cloud.left
    refused = cloud.provision(succeeds=False, cloud_vm_accept_cost=0.5)
    assert "llm would cost 0.8405 USD an hour, and cloud_vm_accept_cost is 0.5" in refused.words
    refused = cloud.provision(succeeds=False, cloud_vm_region="sa-east-1")
    assert "No price is known for g6.xlarge in sa-east-1" in refused.words
    refused = cloud.provision(succeeds=False, cloud_vm_ssh_sources=["0.0.0.0/1", "128.0.0.0/1"])
    assert "opens SSH to the whole world (0.0.0.0/0)" in refused.words
    assert cloud.left == nothing
    assert not secrets.exists()


def test_what_aws_refuses_is_said_in_its_words_and_leaves_nothing_that_costs(cloud: Cloud, secrets: Path) -> None:
    options = {"cloud_vm_machine_type": "g6e.48xlarge", "cloud_vm_accept_cost": 99}
    refused = cloud.provision(succeeds=False, **options)
    assert "AWS did not start a g6e.48xlarge in us-east-1a" in refused.words
    assert "your current vCPU limit of 0" in refused.words
    assert secrets_of(refused, secrets) == []
    assert cloud.left["instances"] == cloud.left["volumes"] == []
