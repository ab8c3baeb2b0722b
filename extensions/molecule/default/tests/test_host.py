# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator finds on the host, and what is left of it after a reboot."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lab.service import Service

DIRECTORY = "/var/lib/hearth"


def containers(host: Any) -> dict[str, Any]:
    names = host.check_output("docker ps --quiet").split()
    return {
        found["Name"].strip("/"): found for found in json.loads(host.check_output(f"docker inspect {' '.join(names)}"))
    }


def statuses(host: Any, service: Service) -> dict[str, str]:
    """What the engine itself says of its models."""
    key = (service.secrets / "engine_key").read_text().strip()
    listing = host.check_output("curl --silent --fail -H 'Authorization: Bearer %s' http://127.0.0.1:18080/models", key)
    return {model["id"]: model["status"]["value"] for model in json.loads(listing)["data"]}


def test_a_model_on_demand_is_loaded_by_its_first_request_and_the_least_recently_used_gives_way(
    host: Any, service: Service
) -> None:
    service.ask("beta")
    service.ask("alpha")
    assert statuses(host, service) == {"alpha": "loaded", "beta": "loaded", "gamma": "unloaded"}
    assert "gamma" in service.ask("gamma")
    assert statuses(host, service) == {"alpha": "loaded", "beta": "unloaded", "gamma": "loaded"}
    assert "beta" in service.ask("beta")
    assert statuses(host, service) == {"alpha": "unloaded", "beta": "loaded", "gamma": "loaded"}


def test_nothing_but_ssh_and_the_gateway_listens_to_the_network(host: Any) -> None:
    local = [line.split()[3] for line in host.check_output("ss --no-header --listening --tcp --numeric").splitlines()]
    ports = {address.rpartition(":")[2] for address in local if not address.startswith(("127.", "[::1]"))}
    assert ports == {"22", "443"}


def test_containers_have_no_more_rights_than_they_need(host: Any) -> None:
    found = containers(host)
    assert set(found) == {"hearth-llama_cpp", "hearth-gateway"}
    for name, container in found.items():
        limits = container["HostConfig"]
        assert limits["ReadonlyRootfs"], name
        assert limits["CapDrop"] == ["ALL"], name
        assert not limits["CapAdd"], name
        assert "no-new-privileges:true" in limits["SecurityOpt"], name
        assert limits["PidsLimit"] > 0, name
        assert limits["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "5", "max-size": "10m"}}, name
        assert not [mount for mount in container["Mounts"] if mount["Source"].endswith("docker.sock")], name
        assert container["Config"]["User"].split(":")[0] not in ("", "0", "root"), name
        assert host.check_output("docker exec %s cat /proc/1/status", name).count("CapEff:\t0000000000000000") == 1


def test_models_are_readable_by_all_and_writable_by_none(host: Any) -> None:
    listing = host.check_output(f"find {DIRECTORY}/models -name '*.gguf' -printf '%m %u %f\\n'").splitlines()
    assert sorted(listing) == [f"444 root {name}.gguf" for name in ("alpha", "beta", "gamma")]
    assert not host.check_output(f"find {DIRECTORY} -perm -o+w ! -type l")


def test_the_text_of_a_users_key_is_nowhere_on_the_host(host: Any, service: Service, variables: dict[str, Any]) -> None:
    # Not by SSH and sudo: the log of sudo, which is searched too, would have the key from this very search.
    search = ("grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-")
    places = (DIRECTORY, "/etc", "/var/log", "/var/lib/docker/containers", "/root", "/home", "/tmp")
    inside = ("docker", "exec", "--interactive", f"hearth-lab-{variables['inventory_hostname']}")
    for name in ("everything", "only-alpha"):
        key = service.key(name).encode()
        found = subprocess.run([*inside, *search, *places], input=key, capture_output=True, check=False)
        assert (found.returncode, found.stdout.decode()) == (1, "")
    assert service.key("everything") not in host.check_output("ps axeww")


def test_secrets_on_the_host_are_closed_to_others(host: Any) -> None:
    secret = r"\( -name '*.key' -o -name '*.map' -o -name '*.pem' -o -name '*api_key*' \)"
    assert not host.check_output(f"find {DIRECTORY}/services -type f {secret} -perm -o+r")


def test_health_and_metrics_answer_on_the_host_itself(host: Any) -> None:
    assert json.loads(host.check_output("curl --silent --fail http://127.0.0.1:8404/health"))["status"] == "ok"
    assert "haproxy_frontend_http_requests_total" in host.check_output(
        "curl --silent --fail http://127.0.0.1:8404/metrics"
    )


def test_the_service_comes_back_by_itself_after_a_reboot(
    host: Any, service: Service, variables: dict[str, Any]
) -> None:
    project = Path(__file__).resolve().parents[4]
    subprocess.run(
        [sys.executable, "-m", "lab", "reboot", variables["inventory_hostname"]], cwd=project, check=True, timeout=120
    )
    assert host.service("docker").is_running
    deadline = time.monotonic() + 60
    while True:
        try:
            assert "alpha" in service.ask("alpha")
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
