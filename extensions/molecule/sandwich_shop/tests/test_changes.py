# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people change by hand is shown and mended, and what a container loses is not lost."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from .conftest import PROJECT, Frontend, Playbook
from .test_assistants import FACT, QUESTION

COUNTS = "http://127.0.0.1:13001/_fake/counts"


def counts(host: Any) -> dict[str, int]:
    return dict(json.loads(host.check_output(f"curl --silent --fail {COUNTS}")))


def drift(frontend: Frontend) -> None:
    """One change of each kind, as somebody makes it in the browser."""
    brandspark = {"openAiPrompt": "You are a pirate.", "openAiTemp": 0.1}
    frontend.v1("POST", "workspace/brandspark/update", brandspark)
    users = {user["username"]: user["id"] for user in frontend.v1("GET", "admin/users")["users"]}
    frontend.v1("DELETE", f"admin/users/{users['ana']}")
    documents = frontend.v1("GET", "workspace/docexplorer")["workspace"][0]["documents"]
    menu = next(one["docpath"] for one in documents if "signature" in one["metadata"])
    frontend.v1("DELETE", "system/remove-documents", {"names": [menu]})
    frontend.v1("POST", "system/update-env", {"GenericOpenAiBasePath": "http://127.0.0.1:9/v1"})


def test_a_second_run_writes_nothing(playbook: Playbook, host: Any) -> None:
    host.check_output(f"curl --silent --fail -X DELETE {COUNTS}")
    assert playbook.changes("deploy_frontends") == 0
    found = counts(host)
    assert (found["writes"], found["logins"]) == (0, 0)
    assert found["requests"] < 40


def test_each_drift_is_shown_by_a_dry_run_and_mended_by_a_run(
    playbook: Playbook, frontend: Frontend, host: Any
) -> None:
    drift(frontend)
    host.check_output(f"curl --silent --fail -X DELETE {COUNTS}")
    shown = playbook("deploy_frontends", "--check", "--diff")
    assert counts(host)["writes"] == 0
    for words in ("You are a pirate.", "0.1", "ana", "signature_sandwiches.md", "http://127.0.0.1:9/v1"):
        assert words in shown, words
    assert frontend.password("ana") not in shown
    assert playbook.changes("deploy_frontends") > 0
    assert playbook.changes("deploy_frontends", "--check") == 0
    assert FACT in frontend.ask("docexplorer", QUESTION)["textResponse"]
    assert "BrandSpark" in frontend.ask("brandspark", "What is your name?")["textResponse"]
    frontend.login("ana")


def test_nothing_is_lost_with_the_container_the_machine_or_the_version(
    playbook: Playbook, frontend: Frontend, host: Any, variables: dict[str, Any]
) -> None:
    session = frontend.login("olivia")

    def everything_is_there() -> None:
        assert FACT in frontend.ask("docexplorer", QUESTION)["textResponse"]
        assert frontend.http(session).get("api/system/check-token").status_code == 200
        frontend.login("ben")

    host.check_output("docker rm --force hearth-anythingllm")
    playbook("deploy_frontends")
    everything_is_there()

    newer = "docker.io/mintplexlabs/anythingllm:1.99.0"
    host.check_output(f"docker tag docker.io/mintplexlabs/anythingllm:1.16.1 {newer}")
    playbook("deploy_frontends", f"--extra-vars=anythingllm_image={newer}")
    assert newer in host.check_output("docker inspect --format '{{.Config.Image}}' hearth-anythingllm")
    everything_is_there()

    # New files are taken over on a signal, after which the gateway must still come back with the machine.
    assert playbook.changes("deploy_gateway", "--extra-vars=gateway_queue_length=99") > 0
    subprocess.run(
        [sys.executable, "-m", "lab", "reboot", variables["inventory_hostname"]], cwd=PROJECT, check=True, timeout=120
    )
    playbook("verify")
    everything_is_there()


def test_the_container_has_no_more_rights_than_it_needs(host: Any) -> None:
    found = json.loads(host.check_output("docker inspect hearth-anythingllm"))[0]
    limits = found["HostConfig"]
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert "no-new-privileges:true" in limits["SecurityOpt"]
    assert found["Config"]["User"] == "1000:1000"
    assert limits["PortBindings"] == {"3001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "13001"}]}
    assert not [variable for variable in found["Config"]["Env"] if "SECRET" in variable or "KEY" in variable]
    assert host.check_output("stat --format '%a %u' /var/lib/hearth/anythingllm/.env").strip() == "600 1000"
