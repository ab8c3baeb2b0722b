# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clone, on a machine that has nothing: `./hearth up` ends with an answer, `./hearth down` leaves nothing behind."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import hosts
from lab.recipes import DEBIAN_12
from lab.shell import LabError, run

PROJECT = Path(__file__).parents[2]
CLONE = "/srv/hearth"
# What a distribution's package touches when it is installed.
PACKAGES = (
    r"/etc/(ld\.so\.cache|(group|gshadow|passwd|shadow)-?)|/var/(lib/(dpkg|apt|systemd)|log|cache)/.*|/etc/haproxy/.*"
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hosts.Host]:
    """Debian 12 with no more than its base, and a clone that belongs to root."""
    host = hosts.fresh("newcomer", DEBIAN_12)
    try:
        archive = tmp_path_factory.mktemp("clone") / "clone.tar"
        names = run("git", "-C", PROJECT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        with tarfile.open(archive, "w") as clone:
            for name in filter(None, names):
                if (PROJECT / name).exists():
                    clone.add(PROJECT / name, name, recursive=False)
        host.execute("mkdir", CLONE)
        run("docker", "cp", "-", f"{host.container}:{CLONE}", stdin=archive)
        yield host
    finally:
        hosts.down([host])


def hearth(machine: hosts.Host, verb: str, user: str = "root") -> str:
    """What `./hearth` prints; its exit status is that of the command."""
    script = f"cd {CLONE} && ./hearth {verb} 2>&1"
    return run("docker", "exec", f"--user={user}", "--env=HOME=/tmp/home", machine.container, "bash", "-c", script)


def tidy(output: str) -> str:
    return " ".join(output.split())


def test_without_the_venv_module_it_says_what_to_install(machine: hosts.Host) -> None:
    with pytest.raises(LabError, match="apt install python3-venv"):
        hearth(machine, "up")
    machine.execute("apt-get", "-qq", "update")
    machine.execute("apt-get", "-qq", "install", "--yes", "python3-venv")


@pytest.mark.long
def test_without_haproxy_and_without_root_it_says_what_to_install(machine: hosts.Host) -> None:
    machine.execute("chown", "-R", "admin:admin", CLONE)
    with pytest.raises(LabError) as refusal:
        hearth(machine, "up", user="admin")
    assert "apt-get install" in str(refusal.value)
    assert "haproxy" in str(refusal.value)
    hearth(machine, "down", user="admin")
    machine.execute("chown", "-R", "root:root", CLONE)


def test_one_command_ends_with_an_answer_and_lines_that_work_as_printed(machine: hosts.Host) -> None:
    machine.execute("touch", "/tmp/before")
    output = hearth(machine, "up")
    assert "hearth-mini answered:  I am hearth-mini, and I am ready." in output
    printed = output.partition("answered:")[2].splitlines()
    indent = "        "
    lines = [line.removeprefix(indent) for line in printed]
    for begin in ("curl ", "SSL_CERT_FILE="):
        first = next(number for number, line in enumerate(lines) if line.startswith(begin))
        command = "\n".join(lines[first : lines.index("", first)] if "" in lines[first:] else lines[first:])
        answer = machine.execute("bash", "-c", command.partition("\nPLAY RECAP")[0])
        assert "Hello! I am hearth-mini, a demonstration model of hearth.llm." in answer

    touched = machine.execute(
        *("find", "/", "-xdev", "(", "-path", CLONE, "-o", "-path", "/proc", "-o", "-path", "/tmp", ")", "-prune"),
        *(
            "-o",
            "-newer",
            "/tmp/before",
            "-type",
            "f",
            "-not",
            "-regextype",
            "posix-extended",
            "-regex",
            PACKAGES,
            "-print",
        ),
    ).split()
    owned = [path for path in touched if not is_packaged(machine, path)]
    assert owned == []


def test_with_a_page_it_names_where_who_and_with_which_password(machine: hosts.Host) -> None:
    output = hearth(machine, "up --page")
    page = re.search(r"PEOPLE +(\S+)  \(Open WebUI\)", output)
    login = re.search(r"first login +(\S+), with the password in (\S+)", output)
    assert page, output
    assert login, output
    email, password_path = login.groups()
    script = f"""
import json, ssl, urllib.request
context = ssl.create_default_context(cafile="{CLONE}/inventories/local/.secrets/tls/ca.pem")
body = json.dumps({{"email": "{email}", "password": open("{password_path}").read().strip()}}).encode()
request = urllib.request.Request("{page[1]}/api/v1/auths/signin", body, {{"Content-Type": "application/json"}})
print(json.load(urllib.request.urlopen(request, context=context))["role"])
"""
    assert machine.execute("python3", "-c", script).strip() == "admin"
    # Installing Open WebUI takes longer than anybody waits in silence.
    assert re.search(
        r"still working, .*Install the Python environments from their locks with hashes \(localhost\)", output
    )


def test_what_runs_is_asked_again_without_a_change(machine: hosts.Host) -> None:
    output = hearth(machine, "up --page --tags verify")
    assert "Ask each model that llama.cpp has loaded" in output
    assert "Ask each assistant of Open WebUI as the page asks" in output
    assert re.search(r"localhost +: .*changed=0 ", output)


def test_what_was_changed_by_hand_is_named_and_nothing_else(machine: hosts.Host) -> None:
    configuration = machine.shell(f"ls {CLONE}/.hearth/services/gateway/generations/*/haproxy.cfg").strip()
    machine.shell(f"echo '# by hand' >> {configuration}")
    with pytest.raises(LabError, match="localhost is not as described: 2 things would be changed"):
        hearth(machine, "drift --page")
    told = json.loads(machine.shell(f"cat {CLONE}/inventories/local/.reports/drift/drift.json"))
    written, run_again = told["hosts"]["localhost"]["findings"]
    assert "haproxy.cfg" in written["difference"]
    assert "Run the services' programs" in run_again["task"]


def test_how_it_is_can_be_asked_by_programs_and_by_people(machine: hosts.Host) -> None:
    told = json.loads(hearth(machine, "status --json").splitlines()[-1])
    assert told["down"] == []
    (gateway,) = told["gateways"].values()
    assert [(model["name"], model["state"]) for model in gateway["status"]["models"]] == [("hearth-mini", "loaded")]
    (host,) = told["hosts"].values()
    assert {service["name"] for service in host["services"]} >= {"gateway", "llama_cpp-hearth-mini"}
    assert "gateway localhost: up" in hearth(machine, "status")


def test_what_is_broken_is_told_with_where_to_begin(machine: hosts.Host) -> None:
    assert "All is well: " in hearth(machine, "doctor --page")
    ask = f"{CLONE}/.hearth/venvs/*/bin/supervisorctl -c {CLONE}/.hearth/supervisor/supervisord.conf"
    machine.shell(f"{ask} stop gateway")
    with pytest.raises(LabError) as told:
        hearth(machine, "doctor --page")
    assert "CLIENTS SEE localhost, route: localhost:8443 cannot be reached" in tidy(str(told.value))
    assert "BEGIN WITH localhost, service: The program gateway is stopped" in tidy(str(told.value))
    machine.shell(f"{ask} start gateway")


def test_down_leaves_nothing_behind(machine: hosts.Host) -> None:
    hearth(machine, "down")
    assert (
        machine.execute(
            "sh",
            "-c",
            f"cd {CLONE} && ls -d .venv .hearth inventories/local/.secrets inventories/local/.reports 2>&1 || true",
        ).count("No such")
        == 4
    )
    assert CLONE not in machine.execute("ps", "-eo", "args")


def is_packaged(machine: hosts.Host, path: str) -> bool:
    command = ["docker", "exec", machine.container, "dpkg", "-S", path]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
