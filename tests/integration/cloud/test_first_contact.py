# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new VM is trusted for the key that it was given, and for another one after the first contact; cloud-init is real, on a host of the lab."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.lambda_cloud import KEY, LambdaCloud
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, recipes

from .conftest import DESCRIPTION, unchanged

# A minute and a half, most of it for installing cloud-init on the host.
pytestmark = pytest.mark.skipif("HEARTH_TEST_CLOUD_INIT" not in os.environ, reason="HEARTH_TEST_CLOUD_INIT is not set")

INSTALL = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends cloud-init >/dev/null"
# The host has no locales to choose from.
START = """
mkdir -p /var/lib/cloud/seed/nocloud
echo 'instance-id: first' > /var/lib/cloud/seed/nocloud/meta-data
cat > /var/lib/cloud/seed/nocloud/user-data
echo 'datasource_list: [NoCloud]' > /etc/cloud/cloud.cfg.d/99-seed.cfg
echo 'network: {config: disabled}' > /etc/cloud/cloud.cfg.d/99-network.cfg
echo 'locale: false' > /etc/cloud/cloud.cfg.d/99-locale.cfg
cloud-init clean
cloud-init init --local && cloud-init init && cloud-init modules --mode config && cloud-init modules --mode final
systemctl restart ssh
"""


@pytest.fixture
def host() -> Iterator[hosts.Host]:
    made = hosts.fresh(f"cloud-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}", recipes.DEBIAN_12)
    try:
        made.execute("sh", "-ec", INSTALL)
        yield made
    finally:
        hosts.down([made])


def test_the_first_contact_is_pinned_and_its_key_is_worth_nothing_after_it(
    host: hosts.Host, playbook: Runner, secrets: Path
) -> None:
    def start(user_data: str) -> None:
        command = ["docker", "exec", "--interactive", host.container, "sh", "-ec", START]
        subprocess.run(command, input=user_data, check=True, text=True, stdout=subprocess.DEVNULL)

    def provision(*options: str, succeeds: bool = True) -> Outcome:
        described = {"cloud_vm_provider": "lambda", "cloud_vm_data_disk_gib": 0, "cloud_vm_accept_cost": 1.5}
        # Other tests' hosts are this machine.
        described |= {
            "ansible_connection": "ssh",
            "cloud_vm_prepare": True,
            "cloud_vm_user": "ana",
            "cloud_vm_wait_seconds": 30,
        }
        playbook.hosts({"llm": {**DESCRIPTION, **described, "cloud_vm_lambda_url": account.url}})
        path = PROJECT / "playbooks/provision_cloud_vm.yml"
        return playbook(path, *options, succeeds=succeeds, variables={"LAMBDA_API_KEY": KEY})

    def shown() -> str:
        return host.execute("cut", "-d", " ", "-f", "1,2", "/etc/ssh/ssh_host_ed25519_key.pub").strip()

    with LambdaCloud() as account:
        account.address, account.boot = host.address, start
        provision()
        told = dict(account.writes)["instance-operations/launch"]["user_data"]
        trusted = (secrets / "llm/known_hosts").read_text().strip()
        assert trusted == f"llm {shown()}"
        assert trusted.split()[2] not in told
        assert sorted(path.name for path in (secrets / "llm").iterdir()) == ["known_hosts", "ssh_key", "ssh_key.pub"]
        unchanged(provision())
        unchanged(provision("--check"))

        # Somebody else, at the same address.
        host.execute("sh", "-ec", "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
        refused = provision(succeeds=False)
        assert "Host key verification failed" in refused.words or "timed out waiting" in refused.words.lower()
