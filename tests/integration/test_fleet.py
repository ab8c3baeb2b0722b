# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four hosts of the lab: a gateway, two engines that share one model out, and a client. site.yml connects them by WireGuard, and while the client asks, an
engine is killed, says nothing, or loses its network, and everything is changed. It takes many minutes, and is run by HEARTH_TEST_FLEET=1."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, hub, network, recipes, stock
from lab.shell import await_condition, run

pytestmark = pytest.mark.skipif("HEARTH_TEST_FLEET" not in os.environ, reason="set HEARTH_TEST_FLEET=1")

NAME = "fleet.test"
DOOR, ENGINES, CLIENT = "door", ("engine1", "engine2"), "client"
LOAD = Path(__file__).parent / "fleet_load.py"
MINI: dict[str, Any] = {"source": "hf://hearth/mini/mini.gguf", "context_tokens": 2048, "slots": 2}
# llama.cpp's router is well with it, and cannot load the model.
REFUSED = {"lora": "/models/none.gguf"}


@dataclass
class Load:
    """What the client has seen, since it was begun."""

    fleet: Fleet
    number: int
    began: float = field(default_factory=time.time)

    @property
    def records(self) -> list[dict[str, Any]]:
        lines = self.fleet.machines[CLIENT].shell(f"cat /root/load{self.number}.jsonl 2>/dev/null || true")
        return [json.loads(line) for line in lines.splitlines()]

    def ended(self, how: str, kind: str = "") -> list[dict[str, Any]]:
        return [one for one in self.records if one["ended"] == how and kind in ("", one["kind"])]

    @property
    def figures(self) -> str:
        records = self.records
        counts = Counter(f"{one['kind']} {one['ended']}" for one in records)
        told = Counter(one["told"] for one in records if one["told"])
        waits = sorted(one["first"] for one in records if one["first"])
        longest = f"; an answer began after {waits[len(waits) // 2]:.2f} s, at most {waits[-1]:.1f} s" if waits else ""
        return f"{dict(sorted(counts.items()))}{longest}{f'; told: {dict(told)}' if told else ''}"


class Fleet:
    def __init__(self, machines: dict[str, hosts.Host], directory: Path, endpoint: str) -> None:
        self.machines, self.directory = machines, directory
        self.playbook = Runner(directory)
        self.endpoint = endpoint
        self.loads = 0
        # What is described, and what of one host alone.
        self.model: dict[str, Any] = dict(MINI)
        self.of_host: dict[str, dict[str, Any]] = {}

    def describe(self) -> None:
        known = hosts.inventory(list(self.machines.values()))["all"]
        everybody = {name: known["hosts"][machine.name] for name, machine in self.machines.items()}
        variables = {
            **known["vars"],
            "ansible_become": True,
            "hearth_domain": NAME,
            # No DNS knows that name.
            "hearth_connect_to": self.machines[DOOR].address,
            "hearth_hub_endpoint": self.endpoint,
            "hearth_gpu_policy": "none",
            "hearth_models": {"mini": self.model, **self.alone},
            # Of so small a model, threads wait longer for each other than one computes.
            "llama_cpp_options": {"threads": 1},
            # So small a model would have answered before anything happens.
            "llama_cpp_limits": {"memory": "0", "cpus": 0.2, "pids": 512},
        }
        groups = {
            "hearth_gateways": [DOOR],
            "hearth_engines": ENGINES,
            "hearth_clients": [CLIENT],
        }
        children = {
            group: {
                "hosts": {
                    name: {**host, **self.of_host.get(name, {})} for name, host in everybody.items() if name in names
                }
            }
            for group, names in groups.items()
        }
        described = {"all": {"vars": variables, "children": children}}
        (self.directory / "inventory/hosts.json").write_text(json.dumps(described, indent=1))

    def play(self, name: str, *options: str, succeeds: bool = True) -> Outcome:
        self.describe()
        return self.playbook(PROJECT / f"playbooks/{name}.yml", "--diff", *options, succeeds=succeeds, timeout=3000)

    def site(self, *options: str, succeeds: bool = True) -> Outcome:
        return self.play("site", *options, succeeds=succeeds)

    @property
    def alone(self) -> dict[str, Any]:
        """What one host alone serves, as long as it is there."""
        return {"alone": {**MINI, "hosts": [ENGINES[1]]}} if ENGINES[1] in self.machines else {}

    @property
    def key(self) -> str:
        return (self.directory / "inventory/.secrets/api_keys/default").read_text().strip()

    @contextlib.contextmanager
    def load(self, **options: int) -> Iterator[Load]:
        self.loads += 1
        client, load = self.machines[CLIENT], Load(self, self.loads)
        run("docker", "cp", LOAD, f"{client.container}:/root/load.py")
        chosen = " ".join(f"--{name}={value}" for name, value in options.items())
        client.shell(
            f"rm -f /run/load.end; systemd-run --quiet --unit=load{load.number} python3 /root/load.py --url=https://{NAME}/v1 --key={self.key}"
            f" --model=mini --records=/root/load{load.number}.jsonl --end=/run/load.end {chosen}"
        )
        try:
            yield load
        finally:
            client.shell("touch /run/load.end")
            await_condition(
                "the load to end",
                lambda: True if not client.succeeds(f"systemctl is-active --quiet load{load.number}") else None,
                seconds=200,
            )

    def answered(self) -> dict[str, int]:
        """How many requests each host was given, and which of them get some."""
        text = self.machines[DOOR].shell("curl --silent http://127.0.0.1:8404/metrics?scope=server")
        return {
            server: int(count)
            for server, count in re.findall(
                r'^haproxy_server_sessions_total\{proxy="mini",server="(\w+)"\} (\d+)', text, re.MULTILINE
            )
        }

    def await_use(self, host: str, seconds: float = 60) -> float:
        """Seconds until the host is given requests."""
        before = self.answered()[host]
        return until(lambda: self.answered()[host] > before, f"{host} to be used", seconds)

    def await_use_of_all(self) -> None:
        with self.load():
            for name in ENGINES:
                self.await_use(name)

    def await_disuse(self, host: str, seconds: float = 90) -> float:
        """Seconds until the last request that the host was given, of those that are not followed by another one for five seconds."""
        began, last = time.monotonic(), time.monotonic()
        count = self.answered()[host]
        while time.monotonic() - last < 5:
            assert time.monotonic() - began < seconds, f"{host} is still given requests"
            if (now := self.answered()[host]) != count:
                count, last = now, time.monotonic()
            time.sleep(0.1)
        return last - began


def until(condition: Callable[[], bool], what: str, seconds: float) -> float:
    began = time.monotonic()
    await_condition(what, lambda: True if condition() else None, seconds=seconds)
    return time.monotonic() - began


@contextlib.contextmanager
def fleet_in(directory: Path) -> Iterator[Fleet]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    machines: dict[str, hosts.Host] = {}
    try:
        for name in (DOOR, *ENGINES):
            machines[name] = hosts.fresh(f"fleet-{name}-{worker}", recipes.DEBIAN_12_DOCKER, stock.ensure())
            hosts.give_tun(machines[name])
        machines[CLIENT] = hosts.fresh(f"fleet-{CLIENT}-{worker}", recipes.DEBIAN_12)
        machines[CLIENT].shell(f"echo {machines[DOOR].address} {NAME} >> /etc/hosts")
        subnet = network.find()
        assert subnet
        (directory / "hub").mkdir(exist_ok=True)
        endpoint = hub.up(directory / "hub", network.gateway(subnet), {"mini": "files/models/hearth-mini.gguf"})
        yield Fleet(machines, directory, endpoint)
    finally:
        hub.down(directory / "hub")
        hosts.down(list(machines.values()))


@pytest.fixture(scope="module")
def virgin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet_in(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def fleet(virgin: Fleet) -> Fleet:
    """After a dry run, the first run and a second one. The client trusts the gateway's CA."""
    began = time.monotonic()
    dry = virgin.site("--check")
    assert dry.changed > 0
    for name in (DOOR, *ENGINES):
        assert not virgin.machines[name].succeeds(
            "test -e /var/lib/hearth || ip link show hearth || docker inspect hearth-gateway"
        )
    assert not (virgin.directory / "inventory/.secrets").exists()
    dry_took, began = time.monotonic() - began, time.monotonic()
    first = virgin.site()
    first_took, began = time.monotonic() - began, time.monotonic()
    second = virgin.site()
    second_took = time.monotonic() - began
    print(
        f"dry run {dry_took:.0f} s; first run {first_took:.0f} s, {first.changed} changed; second {second_took:.0f} s, {second.changed} changed"
    )
    assert second.changed == 0
    assert virgin.play("trust_ca").changed == 1
    return virgin


def test_a_client_asks_both_hosts_and_sees_no_engine(fleet: Fleet, tell: Callable[[str], None]) -> None:
    with fleet.load() as load:
        before = fleet.answered()
        await_condition(
            "both to answer",
            lambda: True if all(fleet.answered()[name] > before[name] + 5 for name in ENGINES) else None,
            seconds=60,
        )
    tell(f"nothing happens: {load.figures}")
    assert {one["ended"] for one in load.records} == {"answered"}
    for name in ENGINES:
        client, engine = fleet.machines[CLIENT], fleet.machines[name]
        assert client.succeeds(f"timeout 3 bash -c ': < /dev/tcp/{engine.address}/22'")
        assert not client.succeeds(f"timeout 3 bash -c ': < /dev/tcp/{engine.address}/18080'")


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def tell(words: str) -> None:
        with capsys.disabled():
            print(f"\n  {words}")

    return tell


def test_an_engine_is_killed_and_comes_back(fleet: Fleet, tell: Callable[[str], None]) -> None:
    engine = fleet.machines[ENGINES[0]]
    with fleet.load() as load:
        fleet.await_use(ENGINES[0])
        time.sleep(3)
        engine.shell("docker kill hearth-llama_cpp")
        missed = fleet.await_disuse(ENGINES[0])
        engine.shell("docker start hearth-llama_cpp")
        back = fleet.await_use(ENGINES[0])
        time.sleep(3)
    tell(f"killed: last given a request after {missed:.1f} s, used again {back:.1f} s after its start; {load.figures}")
    assert load.ended("failed") == []
    assert len(load.ended("broken")) <= 2
    assert {one["told"] for one in load.ended("broken")} <= {"IncompleteRead"}


def test_the_process_of_a_model_is_killed_and_its_router_loads_it_again(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    with fleet.load() as load:
        fleet.await_use(ENGINES[0])
        time.sleep(3)
        fleet.machines[ENGINES[0]].shell("pkill --signal KILL --full 'llama-server.*--alias mini'")
        time.sleep(10)
        back = fleet.await_use(ENGINES[0])
    tell(f"the model's process is killed: used again after {10 + back:.1f} s; {load.figures}")
    assert load.ended("failed") == []


def test_an_engine_says_nothing(fleet: Fleet, tell: Callable[[str], None]) -> None:
    engine = fleet.machines[ENGINES[1]]
    with fleet.load() as load:
        fleet.await_use(ENGINES[1])
        time.sleep(3)
        engine.shell("docker pause hearth-llama_cpp")
        missed = fleet.await_disuse(ENGINES[1])
        time.sleep(20)
        during = load.figures
        engine.shell("docker unpause hearth-llama_cpp")
        back = fleet.await_use(ENGINES[1])
        time.sleep(3)
    tell(
        f"says nothing: last given a request after {missed:.1f} s ({during}); used again {back:.1f} s after it spoke; {load.figures}"
    )
    assert load.ended("failed") == load.ended("broken") == []


def test_a_host_loses_its_network(fleet: Fleet, tell: Callable[[str], None]) -> None:
    engine = fleet.machines[ENGINES[1]]
    with fleet.load() as load:
        fleet.await_use(ENGINES[1])
        time.sleep(3)
        route = engine.shell("ip route show default")
        engine.shell("ip link set eth0 down")
        missed = fleet.await_disuse(ENGINES[1])
        time.sleep(45)
        engine.shell(f"ip link set eth0 up; ip route replace {route}")
        back = fleet.await_use(ENGINES[1])
        time.sleep(3)
    tell(
        f"no network: last given a request after {missed:.1f} s; used again {back:.1f} s after it is back; {load.figures}"
    )
    assert load.ended("failed") == []


def test_everything_is_changed_while_the_client_asks(fleet: Fleet, tell: Callable[[str], None]) -> None:
    fleet.model["slots"] = 3
    with fleet.load() as load:
        fleet.await_use(ENGINES[0])
        began = time.monotonic()
        changed = fleet.site().changed
        took = time.monotonic() - began
    tell(f"slots of all are changed in {took:.0f} s, {changed} changed: {load.figures}")
    assert changed > 0
    assert load.ended("failed") == load.ended("broken") == []
    assert fleet.machines[DOOR].succeeds("grep -q 'maxconn 3' /var/lib/hearth/services/gateway/current/haproxy.cfg")


def test_a_change_that_fails_on_one_host_leaves_the_others_as_they_are(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    second = fleet.machines[ENGINES[1]]
    began_at = second.shell("docker inspect --format '{{.State.StartedAt}}' hearth-llama_cpp")
    good = dict(fleet.model)
    fleet.model["slots"] = 4
    fleet.of_host[ENGINES[0]] = {"hearth_models": {"mini": {**fleet.model, "options": REFUSED}}}
    with fleet.load() as load:
        fleet.await_use(ENGINES[0])
        said = fleet.site(succeeds=False)
        tell(f"a change fails on one host: {load.figures}")
        assert "PLAY [Deploy the gateway" not in said.output
        assert second.shell("docker inspect --format '{{.State.StartedAt}}' hearth-llama_cpp") == began_at
        fleet.of_host.clear()
        fleet.model = good
        assert fleet.play("deploy_engines").changed > 0
        fleet.await_use(ENGINES[0])
    tell(f"and is mended: {load.figures}")
    assert load.ended("failed") == load.ended("broken") == []


def test_a_run_goes_on_without_a_host_that_is_down_and_says_so(fleet: Fleet, tell: Callable[[str], None]) -> None:
    down = fleet.machines[ENGINES[1]]
    run("docker", "pause", down.container)
    try:
        with fleet.load() as load:
            said = fleet.site(succeeds=False)
            assert re.search(rf"{ENGINES[1]} .*unreachable=1", said.output)
            assert (said.changed, said.output.count("unreachable=1")) == (0, 1)
            began = time.monotonic()
            assert fleet.site("--limit", f"all:!{ENGINES[1]}").changed == 0
            took = time.monotonic() - began
    finally:
        run("docker", "unpause", down.container)
    tell(f"a host is down: a run without it takes {took:.0f} s; {load.figures}")
    assert load.ended("failed") == []
    fleet.await_use_of_all()


def test_a_host_is_taken_away_while_the_client_asks(fleet: Fleet, tell: Callable[[str], None]) -> None:
    with fleet.load() as load:
        fleet.await_use(ENGINES[1])
        gone = fleet.machines.pop(ENGINES[1])
        fleet.play("deploy_gateway")
        fleet.play("connect_hosts")
    fleet.machines[ENGINES[1]] = gone
    tell(f"a host is taken away: {load.figures}")
    assert load.ended("failed") == load.ended("broken") == []
    assert set(fleet.answered()) == {ENGINES[0]}
