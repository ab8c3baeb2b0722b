# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""inventories/rpc_cluster as it is shipped, on hosts of the lab: site.yml connects a head and two workers by WireGuard, and splits a model over them.

Workers are killed, frozen, restarted, of another build, and more. It takes many minutes, and is run by HEARTH_TEST_FLEET=1.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.plugin_utils._private_network.addresses import address_of
from integration.conftest import PROJECT, Outcome, Runner
from lab import hosts, hub, images, network, recipes, stock
from lab.shell import await_condition, run

pytestmark = pytest.mark.skipif("HEARTH_TEST_FLEET" not in os.environ, reason="set HEARTH_TEST_FLEET=1")

SHIPPED = PROJECT / "inventories/rpc_cluster"
HEAD, WORKERS, THIRD, STRANGER = "head", ("big-pc", "gpu-pc"), "third-pc", "stranger"
NAME, PORT = "llm.example.com", 50052
IMAGE = recipes.LLAMA_CPP_RPC.reference
OTHER_IMAGE = "hearth-lab/llama.cpp-rpc:other"
# Says that it is of another build, as a newer image would.
OTHER_SERVER = """#!/bin/sh
case "$*" in --version) echo 'version: 0.7.1 (build 11999, commit Other)';; *) exec /usr/bin/llama-server "$@";; esac
"""
MINI = PROJECT / "files/models/hearth-mini.gguf"
LARGE: dict[str, Any] = {
    "source": "hf://hearth/large/large.gguf",
    "context_tokens": 512,
    "rpc": list(WORKERS),
    # One worker has room for all of so small a model.
    "options": {"tensor-split": "1,1"},
}


class Cluster:
    def __init__(self, machines: dict[str, hosts.Host], directory: Path, endpoint: str) -> None:
        self.machines, self.directory, self.endpoint = machines, directory, endpoint
        self.playbook = Runner(directory)
        self.inventory = directory / "inventory"
        self.models: dict[str, Any] = {"large": LARGE}
        self.workers: tuple[str, ...] = WORKERS
        # What of one host alone is described.
        self.of_host: dict[str, dict[str, Any]] = {}

    def site(self, *options: str, name: str = "site", succeeds: bool = True) -> Outcome:
        """What the lab has of its own is laid over what is shipped."""
        known = hosts.inventory(list(self.machines.values()))["all"]
        here = {
            name: {**known["hosts"][self.machines[name].name], "llama_rpc_image": IMAGE, **self.of_host.get(name, {})}
            for name in (HEAD, *self.workers)
        }
        everyone = {"all": {"hosts": here, "children": {"hearth_rpc_workers": {"hosts": dict.fromkeys(self.workers)}}}}
        (self.inventory / "hosts.json").write_text(json.dumps(everyone, indent=1))
        variables = {
            **known["vars"],
            "hearth_models": self.models,
            "hearth_hub_endpoint": self.endpoint,
            "hearth_connect_to": self.machines[HEAD].address,
            "hearth_secrets_directory": str(self.directory / "secrets"),
            "hearth_models_lock_file": str(self.directory / "models.lock.yml"),
            "hearth_gpu_policy": "none",
            "preflight_memory_bytes": 1 << 30,
        }
        (self.inventory / "group_vars").mkdir(exist_ok=True)
        (self.inventory / "group_vars/all.json").write_text(json.dumps(variables, indent=1))
        inventories = (f"--inventory={SHIPPED}", f"--inventory={self.inventory}")
        play = PROJECT / f"playbooks/{name}.yml"
        return self.playbook(play, *inventories, "--diff", *options, succeeds=succeeds, timeout=3000)

    def private(self, name: str) -> str:
        return address_of(name, IPv4Network("10.212.0.0/16"))

    def connects(self, name: str, address: str, port: int) -> bool:
        return self.machines[name].succeeds(f"timeout 3 bash -c ': < /dev/tcp/{address}/{port}'")

    def started(self, name: str, container: str) -> str:
        """When, and not at all where there is none."""
        shown = f"docker inspect --format '{{{{.State.StartedAt}}}}' {container} 2>/dev/null || true"
        return self.machines[name].shell(shown)

    def received(self, name: str) -> int:
        """Bytes that have come to a worker."""
        shown = self.machines[name].shell("docker exec hearth-llama_rpc cat /proc/net/dev")
        return int(next(line.split()[1] for line in shown.splitlines() if line.strip().startswith("eth0:")))

    def ask(self, path: str, **body: Any) -> tuple[int, str, dict[str, Any]]:
        """Status, Retry-After and what was said, by the gateway's certificate and its name."""
        trusted = ssl.create_default_context(cafile=str(self.directory / "secrets/tls/ca.pem"))
        line = Line(NAME, self.machines[HEAD].address, trusted)
        key = (self.directory / "secrets/api_keys/office").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        line.request("POST", f"/v1/{path}", json.dumps({"model": "large", "max_tokens": 8, **body}), headers)
        answer = line.getresponse()
        return answer.status, answer.headers.get("Retry-After", ""), json.loads(answer.read())

    def chat(self) -> tuple[int, str, dict[str, Any]]:
        return self.ask("chat/completions", temperature=0, messages=[{"role": "user", "content": "Hello"}])

    def await_answers(self) -> None:
        await_condition("an answer of the split model", lambda: True if self.chat()[0] == 200 else None, seconds=120)


class Line(http.client.HTTPSConnection):
    """To an address that no DNS has, and with its name."""

    def __init__(self, name: str, address: str, trusted: ssl.SSLContext) -> None:
        super().__init__(name, timeout=90, context=trusted)
        self._create_connection = lambda _place, *rest: http.client.socket.create_connection((address, 443), *rest)  # type: ignore[attr-defined]


class Load:
    """Three clients that ask one after the other, and when each was told what."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.told: list[tuple[float, float, int, str]] = []
        self.ends = threading.Event()
        self.clients = [threading.Thread(target=self._client) for _number in range(3)]

    def _client(self) -> None:
        while not self.ends.is_set():
            began = time.monotonic()
            try:
                status, retry, _said = self.cluster.chat()
            except (OSError, http.client.HTTPException) as error:
                status, retry = 0, type(error).__name__
            self.told.append((began, time.monotonic(), status, retry))
            if status != 200:
                self.ends.wait(0.2)

    def since(self, moment: float) -> list[tuple[float, float, int, str]]:
        return [one for one in list(self.told) if one[1] >= moment]

    def await_outage(self, moment: float) -> None:
        await_condition("503", lambda: any(one[2] == 503 for one in self.since(moment)) or None, seconds=90)

    def await_answers(self, moment: float) -> None:
        """To what was asked after the last one that was told 503."""

        def answered() -> bool | None:
            last = max((one[0] for one in self.since(moment) if one[2] == 503), default=moment)
            return any(one[0] > last and one[2] == 200 for one in self.since(moment)) or None

        await_condition("answers", answered, seconds=180)

    def figures(self, moment: float) -> str:
        counts = Counter((status, retry) for _began, _ended, status, retry in self.since(moment))
        first = min(ended for _began, ended, status, _retry in self.since(moment) if status == 503)
        bad = max(ended for _began, ended, status, _retry in self.since(moment) if status != 200)
        back = min(ended for began, ended, status, _retry in self.since(moment) if status == 200 and ended > bad)
        return f"first 503 after {first - moment:.1f} s, answers again after {back - moment:.1f} s; status and Retry-After: {dict(counts)}"


@contextmanager
def load_of(cluster: Cluster) -> Iterator[Load]:
    load = Load(cluster)
    for client in load.clients:
        client.start()
    try:
        await_condition("an answer under load", lambda: any(one[2] == 200 for one in load.told) or None, seconds=60)
        yield load
    finally:
        load.ends.set()
        for client in load.clients:
            client.join()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("rpc")
    machines: dict[str, hosts.Host] = {}
    (directory / "hub").mkdir()
    try:
        for name in (HEAD, *WORKERS, THIRD):
            machines[name] = hosts.fresh(f"rpc-{name}", recipes.DEBIAN_12_DOCKER, stock.ensure())
            hosts.give_tun(machines[name])
            words = ("docker", "exec", "--interactive", machines[name].container, "docker", "load")
            run(*words, stdin=images.archive(recipes.LLAMA_CPP_RPC))
        machines[STRANGER] = hosts.fresh(f"rpc-{STRANGER}", recipes.DEBIAN_12)
        subnet = network.find()
        assert subnet
        served = {"large": str(MINI.relative_to(PROJECT)), "embedder": "files/models/hearth-mini-embedding.gguf"}
        yield Cluster(machines, directory, hub.up(directory / "hub", network.gateway(subnet), served))
    finally:
        hub.down(directory / "hub")
        hosts.down(list(machines.values()))


def timed(what: str, does: Callable[[], Outcome]) -> Outcome:
    began = time.monotonic()
    outcome = does()
    print(f"FIGURE {what}: {time.monotonic() - began:.0f} s, {outcome.changed} changed")
    return outcome


def test_a_dry_run_on_hosts_that_have_nothing_then_one_that_splits_the_model_and_one_that_changes_nothing(
    cluster: Cluster,
) -> None:
    timed("dry run", lambda: cluster.site("--check"))
    for name in (HEAD, *WORKERS):
        assert not cluster.machines[name].succeeds("ls /etc/wireguard/hearth.conf || test -e /var/lib/hearth")
        assert cluster.machines[name].shell("docker ps --all --quiet") == ""
    timed("first run", cluster.site)
    status, _retry, said = cluster.chat()
    assert (status, said["choices"][0]["message"]["content"][:11]) == (200, "Hello! I am")
    status, _retry, said = cluster.ask("completions", prompt="Say hello.")
    assert (status, bool(said["choices"][0]["text"])) == (200, True)
    # Its layers lie with both workers.
    for name in WORKERS:
        assert cluster.received(name) > MINI.stat().st_size / 4
    assert timed("second run, three hosts", cluster.site).changed == 0


def test_a_worker_answers_in_the_tunnel_and_nowhere_else(cluster: Cluster) -> None:
    for name in WORKERS:
        listening = cluster.machines[name].shell(f"ss -Hltn 'sport = :{PORT}'")
        assert cluster.private(name) in listening
        assert len(listening.splitlines()) == 1
        assert cluster.connects(HEAD, cluster.private(name), PORT)
        assert not cluster.connects(STRANGER, cluster.machines[name].address, PORT)
        assert cluster.connects(STRANGER, cluster.machines[name].address, 22)


def kill(cluster: Cluster) -> None:
    """As the kernel does where memory is short: Docker starts it again."""
    cluster.machines[WORKERS[0]].shell("pkill -KILL -f '[g]gml-rpc-server -H'")


def freeze(cluster: Cluster) -> None:
    """As a host that has lost its power, or its network: it says nothing more."""
    run("docker", "pause", cluster.machines[WORKERS[0]].container)


def thaw(cluster: Cluster) -> None:
    run("docker", "unpause", cluster.machines[WORKERS[0]].container)


def stop(cluster: Cluster) -> None:
    cluster.machines[WORKERS[1]].shell("docker stop --time 1 hearth-llama_rpc")


def begin(cluster: Cluster) -> None:
    cluster.machines[WORKERS[1]].shell("docker start hearth-llama_rpc")


@pytest.mark.parametrize(("lose", "bring_back"), [(kill, None), (stop, begin), (freeze, thaw)])
def test_a_worker_that_is_lost_under_load_is_503_until_it_is_back(
    cluster: Cluster, lose: Callable[[Cluster], None], bring_back: Callable[[Cluster], None] | None
) -> None:
    with load_of(cluster) as load:
        lost = time.monotonic()
        lose(cluster)
        try:
            load.await_outage(lost)
        finally:
            if bring_back:
                back = time.monotonic()
                bring_back(cluster)
        load.await_answers(lost)
    print(f"FIGURE a worker is lost ({lose.__name__}): {load.figures(lost)}")
    if bring_back:
        print(f"FIGURE … of which {back - lost:.1f} s before it was brought back")
    assert all(retry for _began, _ended, status, retry in load.since(lost) if status == 503)
    assert {status for _began, _ended, status, _retry in load.since(lost)} <= {200, 500, 502, 503}


def test_workers_and_head_are_back_after_their_hosts_have_restarted(cluster: Cluster) -> None:
    """The tunnel is there before Docker publishes at its address."""
    for name in (WORKERS[0], HEAD):
        began = time.monotonic()
        hosts.reboot(cluster.machines[name])
        cluster.await_answers()
        print(f"FIGURE {name} restarted: answers after {time.monotonic() - began:.1f} s")


def test_a_worker_of_another_build_is_refused_before_anything_starts(cluster: Cluster) -> None:
    name = WORKERS[0]
    cluster.machines[name].shell(
        f"cat > /root/server <<'END'\n{OTHER_SERVER}END\nchmod 0755 /root/server\n"
        f"docker run --name other --volume /root/server:/server:ro --entrypoint /bin/sh {IMAGE} -c 'rm /app/llama-server && cp /server /app/llama-server'\n"
        f"docker commit other {OTHER_IMAGE}\ndocker rm other"
    )
    before = [cluster.started(host, service) for host, service in RUNNING]
    cluster.of_host[name] = {"llama_rpc_image": OTHER_IMAGE}
    outcome = cluster.site(succeeds=False)
    cluster.of_host.clear()
    assert (
        "would be of the build 0.7.1 b11999 Other of llama.cpp, and others that serve the same model are not"
        in outcome.words
    )
    assert [cluster.started(host, service) for host, service in RUNNING] == before
    assert outcome.changed == 0
    assert cluster.chat()[0] == 200


RUNNING = [(HEAD, "hearth-llama_cpp-large"), *((name, "hearth-llama_rpc") for name in WORKERS)]


def test_a_third_worker_changes_what_it_must(cluster: Cluster) -> None:
    cluster.workers = (*WORKERS, THIRD)
    cluster.models = {"large": {**LARGE, "rpc": [*WORKERS, THIRD], "options": {"tensor-split": "1,1,1"}}}
    before = cluster.started(WORKERS[0], "hearth-llama_rpc")
    changed = timed("a third worker", cluster.site).changed_tasks
    print("FIGURE", json.dumps(changed, indent=1))
    assert cluster.started(WORKERS[0], "hearth-llama_rpc") == before
    # The other workers learn of a peer.
    for name in WORKERS:
        # The controller makes the new host's key when the first of all is at it.
        others = set(changed[name]) - {"Make the keys of the private network"}
        assert others == {
            "configure | Write what the interface is told",
            "run | Tell the interface which peers there are",
        }
    assert cluster.chat()[0] == 200
    assert timed("second run, four hosts", cluster.site).changed == 0


def test_another_model_takes_the_third_worker_over_and_embeds(cluster: Cluster) -> None:
    embedder = {
        "source": "hf://hearth/embedder/embedder.gguf",
        "task": "embedding",
        "context_tokens": 512,
        "rpc": [THIRD],
    }
    cluster.models = {"large": LARGE, "embedder": embedder}
    timed("a model more", cluster.site)
    status, _retry, said = cluster.ask("embeddings", model="embedder", input="Say hello.")
    assert (status, len(said["data"][0]["embedding"]) > 1) == (200, True)
    assert cluster.chat()[0] == 200


def test_a_stranger_in_the_lan_that_knows_the_way_into_the_tunnel_is_not_let_in(cluster: Cluster) -> None:
    name = WORKERS[0]
    cluster.machines[STRANGER].shell(f"ip route add {cluster.private(name)} via {cluster.machines[name].address}")
    assert not cluster.connects(STRANGER, cluster.private(name), PORT)
    cluster.machines[STRANGER].shell(f"ip route delete {cluster.private(name)}")
