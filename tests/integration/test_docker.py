# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role docker on hosts of the lab: systemd, a network of their own, and no Docker until the role brings it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import docker_repository
from lab import hosts, recipes

DEBIAN_13 = dataclasses.replace(recipes.DEBIAN_12, reference="hearth-lab/debian:13", suite="trixie")
CONFIG = "/etc/docker/daemon.json"
# An image of nothing but `sleep`, for the host can reach no registry.
SLEEPER = """
tar --create --dereference $(ldd /bin/sleep | grep --only-matching '/[^ ]*') /bin/sleep 2>/dev/null | docker import - sleeper:1
docker run --detach --name sleeper --publish 8080:80 sleeper:1 /bin/sleep infinity
"""


@dataclasses.dataclass(frozen=True)
class Lab:
    """A host of the lab, and the role for it."""

    host: hosts.Host
    playbook: Callable[..., Any]

    def docker(self, *options: str, succeeds: bool = True, **variables: Any) -> Any:
        play = {"hosts": "all", "become": True, "gather_facts": False, "roles": [{"role": "hearth.llm.docker"}]}
        return self.playbook([{**play, "vars": variables}], "--diff", *options, succeeds=succeeds)

    def shell(self, command: str) -> str:
        return self.host.shell(command)

    def succeeds(self, command: str) -> bool:
        return self.host.succeeds(command)

    def version(self, package: str) -> str:
        return self.shell(f"dpkg-query --show --showformat '${{Version}}' {package}")

    @property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.shell(f"cat {CONFIG}")))


@pytest.fixture(scope="module")
def reach(
    module_playbook: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Lab]]:
    """Brings hosts up, and takes them down in the end."""
    there: list[hosts.Host] = []
    # Where tests run side by side, each runner has hosts of its own.
    runner = os.environ.get("PYTEST_XDIST_WORKER", "gw0")

    def up(stem: str, recipe: recipes.Recipe) -> Lab:
        name = f"{stem}-{runner}"
        host = hosts.fresh(name, recipe)
        there.append(host)
        inventory = tmp_path_factory.mktemp(name) / "hosts.json"
        inventory.write_text(json.dumps(hosts.inventory([host])))

        def play(plays: Any, *options: str, **keywords: Any) -> Any:
            # Localhost is in the runner's own inventory.
            return module_playbook(plays, "--inventory", str(inventory), "--limit", name, *options, **keywords)

        return Lab(host, play)

    yield up
    hosts.down(there)


@pytest.fixture(scope="module")
def bare(reach: Callable[..., Lab]) -> Lab:
    """Debian 12 without Docker, and without what Ansible's apt module would like to find."""
    lab = reach("docker-bare", recipes.DEBIAN_12)
    lab.shell("apt-get remove --quiet --yes python3-apt")
    return lab


@pytest.fixture(scope="module")
def dry(bare: Lab) -> Any:
    return bare.docker("--check")


@pytest.fixture(scope="module")
def lab(bare: Lab, dry: Any) -> Lab:
    """The same host after its first run."""
    assert dry.changed == 2
    assert not bare.succeeds(f"command -v dockerd || test -e {CONFIG}"), "a dry run changed something"
    assert bare.docker().changed == 3
    return bare


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """The host after its first run, and a container on it."""
    lab.shell(SLEEPER)
    yield lab
    lab.shell("docker rm --force sleeper")


def test_a_dry_run_on_a_bare_host_says_what_it_would_install_and_write(dry: Any) -> None:
    assert "docker.io" in dry.output
    assert '+ "live-restore": true' in dry.words


def test_a_second_run_changes_nothing_and_a_dry_run_announces_nothing(lab: Lab) -> None:
    assert lab.docker().changed == 0
    assert lab.docker("--check").changed == 0


def test_ports_are_published_on_loopback_and_containers_outlive_a_new_setting(running: Lab) -> None:
    assert running.shell("docker port sleeper") == "80/tcp -> 127.0.0.1:8080"
    begun = running.shell("docker inspect --format '{{.State.StartedAt}}' sleeper")
    assert running.docker(docker_settings={"debug": True}).changed == 2
    assert running.shell("docker info --format '{{.Debug}}'") == "true"
    assert running.shell("docker inspect --format '{{.State.StartedAt}}' sleeper") == begun


def test_settings_of_others_stay(lab: Lab) -> None:
    lab.shell(f"""echo '{{"labels": ["by=hand"], "log-opts": {{"env": "STAGE"}}}}' > {CONFIG}""")
    lab.docker()
    assert lab.settings["labels"] == ["by=hand"]
    assert lab.settings["log-opts"] == {"env": "STAGE", "max-size": "10m", "max-file": "5"}
    assert lab.shell("docker info --format '{{.Labels}}'") == "[by=hand]"
    assert lab.docker().changed == 0


def test_what_the_engine_stumbles_over_is_taken_back_and_its_log_shown(running: Lab) -> None:
    before = running.settings
    outcome = running.docker(docker_settings={"no-such-setting": True}, succeeds=False)
    assert "The previous daemon.json is back and Docker runs with it: correct docker_settings." in outcome.words
    assert "the following directives don't match any configuration option: no-such-setting" in outcome.words
    assert running.settings == before
    assert running.shell("docker inspect --format '{{.State.Running}}' sleeper") == "true"
    assert running.docker().changed == 0


def test_a_broken_file_is_named_with_its_line_and_the_engine_left_in_peace(running: Lab) -> None:
    good = running.shell(f"cat {CONFIG}")
    running.shell(f"""printf '{{\\n  "debug": true\\n  "ip": "::1"\\n}}' > {CONFIG}""")
    outcome = running.docker(succeeds=False)
    running.shell(f"cat > {CONFIG} <<'END'\n{good}\nEND")
    assert f"{CONFIG} is not valid JSON: Expecting ',' delimiter in line 3, column 3." in outcome.words
    assert running.shell("systemctl is-active docker") == "active"


def test_a_run_that_was_cut_off_before_the_restart_is_made_good(lab: Lab) -> None:
    pid = lab.shell("cat /run/docker.pid")
    lab.shell(f"touch {CONFIG}")
    assert lab.docker("--check").changed == 2
    assert lab.docker().changed == 2
    assert lab.shell("cat /run/docker.pid") != pid
    assert lab.docker().changed == 0


def test_users_are_let_in_and_never_made(lab: Lab) -> None:
    outcome = lab.docker(docker_users=["admin", "amdin"], succeeds=False)
    assert f"docker_users names amdin, unknown on {lab.host.name}" in outcome.words
    assert not lab.succeeds("id amdin")
    lab.docker(docker_users=["admin"])
    assert lab.docker(docker_users=["admin"]).changed == 0
    assert "docker" in lab.shell("id --name --groups admin").split()


def test_another_engine_is_not_put_in_the_place_of_the_one_that_is_there(lab: Lab) -> None:
    outcome = lab.docker(docker_packages="upstream")
    assert outcome.changed == 0
    assert "is here and stays, though docker_packages is 'upstream'" in outcome.words
    outcome = lab.docker(docker_firewall_backend="nftables", succeeds=False)
    assert "docker_firewall_backend is 'nftables', which needs Docker 29" in outcome.words.replace("''", "'")


def test_in_wsl_nothing_stands_beside_the_docker_of_docker_desktop(lab: Lab) -> None:
    proxy = "/run/docker-desktop/docker-desktop-user-distro"
    lab.shell(
        "echo 6.6.87.2-microsoft-standard-WSL2 > /srv/osrelease && mount --bind /srv/osrelease /proc/sys/kernel/osrelease"
        f" && install -D /dev/null {proxy}"
    )
    try:
        refused = lab.docker(succeeds=False)
        assert "switch its integration off for this distribution" in refused.words
        # What answers here is not what was chosen, and nothing was made of it.
        outcome = lab.docker(docker_in_wsl="desktop", succeeds=False)
        assert "docker_in_wsl is 'desktop', and the Docker that answers" in outcome.words.replace("''", "'")
        assert "does not answer" not in outcome.words
        assert outcome.changed == 0
    finally:
        lab.shell(f"rm {proxy} && umount /proc/sys/kernel/osrelease")


def test_the_engine_is_removed_when_nothing_runs_and_its_data_only_on_demand(lab: Lab) -> None:
    lab.shell(SLEEPER)
    refused = lab.docker(docker_state="absent", succeeds=False)
    assert f"Containers still run on {lab.host.name} (sleeper): remove them first, then Docker." in refused.words
    lab.shell("docker rm --force sleeper")
    dry = lab.docker("--check", docker_state="absent")
    assert lab.succeeds("docker version")
    assert lab.docker(docker_state="absent").changed == dry.changed
    assert not lab.succeeds("command -v dockerd")
    assert lab.succeeds("test -d /var/lib/docker/image")
    assert lab.docker(docker_state="absent").changed == 0
    lab.docker()
    assert lab.shell("docker images --quiet sleeper:1")
    lab.docker(docker_state="absent", docker_purge_data=True)
    assert lab.shell("find /var/lib/docker /var/lib/containerd -mindepth 1") == ""
    assert lab.docker(docker_state="absent", docker_purge_data=True).changed == 0


@pytest.fixture(scope="module")
def trixie(reach: Callable[..., Lab]) -> Lab:
    """Debian 13: its dockerd can judge settings before they are written."""
    return reach("docker-upstream", DEBIAN_13)


def test_upstreams_repository_is_trusted_by_its_key_and_the_version_is_the_wanted_one(
    trixie: Lab, tmp_path: Path
) -> None:
    gateway = hosts.inventory([trixie.host])["all"]["vars"]["lab_gateway"]
    with docker_repository.serve(tmp_path, gateway, trixie.host, "trixie", ["28.5.2", "28.5.20"]) as url:
        upstream: dict[str, Any] = {"docker_packages": "upstream", "docker_repository_url": url}
        assert trixie.docker("--check", docker_version="28.5.2", **upstream).changed == 4
        assert trixie.docker(docker_version="28.5.2", **upstream).changed == 5
        assert trixie.version("docker-ce") == "5:28.5.2-1~debian"
        assert trixie.docker(docker_version="28.5.2", **upstream).changed == 0
        assert trixie.docker("--check", docker_version="28.5.20", **upstream).changed == 1
        assert trixie.docker(docker_version="28.5.20", **upstream).changed == 1
        assert trixie.version("docker-ce-cli") == "5:28.5.20-1~debian"
        assert trixie.docker("--check", **upstream).changed == 0


def test_networks_that_users_make_publish_on_loopback_too(trixie: Lab) -> None:
    trixie.docker()
    trixie.shell("docker network create mine")
    trixie.shell(SLEEPER.replace("--publish", "--network mine --publish"))
    assert trixie.shell("docker port sleeper") == "80/tcp -> 127.0.0.1:8080"
    trixie.shell("docker rm --force sleeper && docker network rm mine")


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_what_dockerd_refuses_is_never_written(trixie: Lab, options: tuple[str, ...]) -> None:
    before = trixie.settings
    outcome = trixie.docker(*options, docker_settings={"no-such-setting": True}, succeeds=False)
    assert "dockerd refuses the merged settings" in outcome.words
    assert "no-such-setting" in outcome.words
    assert trixie.settings == before
    assert trixie.docker().changed == 0
