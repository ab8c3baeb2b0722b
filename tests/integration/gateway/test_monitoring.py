# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What watches the service names nothing that is not there: by the real gateway, llama.cpp and node exporter. promtool reads the files and tries each alert."""

from __future__ import annotations

import calendar
import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.plan import monitoring_plan
from fakes import ports
from integration.conftest import PROJECT, RECAP, WARNING, environment
from integration.gateway.description import LIMITED_KEY, MESSAGES, Gateway, eventually
from integration.gateway.test_usage_real import MINI
from integration.test_serve_model import await_health, request, served
from integration.wheel import serving
from lab import packages

# NVIDIA's exporter tells these where nobody says otherwise: etc/default-counters.csv of NVIDIA/dcgm-exporter. No test has a GPU.
DCGM = ("DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_FREE", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_XID_ERRORS")  # fmt: skip
# Of vLLM, held against the real one by test_vllm_real.py.
VLLM = tuple(engines()["vllm"].series.values())
# Prometheus's own.
OWN = ("up",)
LIMITS = {
    "error_share": 0.05,
    "wait_seconds": 30,
    "queue_length": 100,
    "certificate_days": 14,
    "disk_free_share": 0.1,
    "disk_hours": 48,
    "gpu_celsius": 85,
}
HOST: dict[str, Any] = {
    "name": "door",
    "runtime": "docker",
    "models": {
        "alpha": {"slots": 2},
        "gone": {},
        "Qwen/Qwen3:8b": {"engine": "vllm"},
        "sleeper": {"idle_unload_seconds": 60},
    },
    "ports": {"llama_cpp": 18080, "vllm": 18100},
    "loaded_max": 4,
    "engine_address": "127.0.0.1",
    "gateway": {"address": "127.0.0.1", "port": 8404},
    "node_exporter": {"address": "127.0.0.1", "port": 9100},
    "dcgm_exporter": {"address": "127.0.0.1", "port": 9400},
}
# Words of PromQL that look like names of series.
WORDS = {"by", "on", "and", "or", "unless", "le", "job", "proxy", "code", "host", "model", "key", "kind", "reason", "status", "mode", "fstype"}  # fmt: skip


def plan(**more: Any) -> dict[str, Any]:
    return monitoring_plan([{**HOST, **more}], "shop", LIMITS, prometheus_host="door", key_file="/etc/prometheus/key")


def series_of(planned: dict[str, Any]) -> set[str]:
    """The names in all expressions: what is neither a function, a label, a text nor a duration."""
    expressions = [rule["expr"] for rule in planned["rules"]["groups"][0]["rules"]]
    expressions += [target["expr"] for panel in planned["dashboard"]["panels"] for target in panel.get("targets", ())]
    found = set()
    for expression in expressions:
        bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\boffset \w+|\bby \([^)]*\)|\bon \([^)]*\)', "", expression)
        found |= {name for name in re.findall(r"[A-Za-z_][\w:]*(?!\w|\s*\()", bare) if name not in WORDS}
    return found


def told(text: str) -> set[str]:
    return set(re.findall(r"^([A-Za-z_][\w:]*)(?:\{| )", text, re.MULTILINE))


def test_every_name_is_told_by_who_is_asked(gateway: Gateway, tmp_path: Path) -> None:
    gateway.complete({"model": "alpha", "messages": MESSAGES}, LIMITED_KEY)
    for _again in range(5):
        gateway.complete({"model": "alpha", "messages": MESSAGES}, "sk-0123456789-slow")
    known = told(gateway.metrics("/metrics")) | told(gateway.metrics("/metrics/keys"))

    options = {"metrics": True, "parallel": 2, "api-key-file": str(tmp_path / "keys")}
    (tmp_path / "keys").write_text("one\n")
    with serving(tmp_path, "mini", served(tmp_path / "s.sock", MINI, **options)) as process:
        await_health(tmp_path / "s.sock", process)
        known |= told(request(tmp_path / "s.sock", "GET", "/metrics")[1].decode())

    address = f"127.0.0.1:{ports.free()}"
    exporter = subprocess.Popen(
        [packages.unpacked("prometheus-node-exporter"), f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        said: list[str] = []

        def answers() -> bool:
            try:
                said[:] = [urllib.request.urlopen(f"http://{address}/metrics").read().decode()]
            except OSError:
                return False
            return True

        eventually(answers, "the node exporter answers")
        known |= told(said[0])
    finally:
        exporter.terminate()
        exporter.wait()

    named = series_of(plan())
    assert {"haproxy_backend_current_queue", "node_filesystem_avail_bytes", "llamacpp:requests_deferred"} <= named
    assert named - known - {*DCGM, *VLLM, *OWN} == set()


def test_the_gateway_says_when_its_certificate_ends(gateway: Gateway) -> None:
    # Whoever asks over TLS has it known.
    gateway.ask("GET", "/v1/models")
    found = re.search(r"^hearth_certificate_end_seconds\{\} (\d+)$", gateway.metrics("/metrics/keys"), re.MULTILINE)
    assert found
    certificate = gateway.directory / "h/services/gateway/current/gateway.pem"
    said = subprocess.run(
        ["openssl", "x509", "-enddate", "-noout", "-dateopt", "iso_8601", "-in", certificate],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    end = time.strptime(said.strip().partition("=")[2], "%Y-%m-%d %H:%M:%SZ")
    assert int(found[1]) == calendar.timegm(end)


def test_promtool_understands_the_files_and_each_alert_comes_when_it_should(tmp_path: Path) -> None:
    promtool = packages.unpacked("promtool")
    planned = plan()
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(planned["prometheus"]))
    (tmp_path / "hearth.rules.yml").write_text(yaml.safe_dump(planned["rules"]))
    cases = Path(__file__).with_name("alerts.yml")
    (tmp_path / "alerts.yml").write_text(cases.read_text())
    for words in (
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["check", "rules", "--lint=all", "--lint-fatal", "hearth.rules.yml"],
        ["test", "rules", "alerts.yml"],
    ):
        done = subprocess.run([promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    tried = {
        case["alertname"] for test in yaml.safe_load(cases.read_text())["tests"] for case in test["alert_rule_test"]
    }
    assert tried == {rule["alert"] for rule in planned["rules"]["groups"][0]["rules"]}


def test_models_that_are_unloaded_are_not_kept_awake_and_what_cannot_be_asked_is_said() -> None:
    planned = plan()
    jobs = {job["job_name"]: job for job in planned["prometheus"]["scrape_configs"]}
    assert jobs["hearth_engines:door:alpha"]["params"] == {"model": ["alpha"], "autoload": ["false"]}
    assert jobs["hearth_engines:door:alpha"]["authorization"] == {"credentials_file": "/etc/prometheus/key"}
    assert "authorization" not in jobs["hearth_engines:door:Qwen/Qwen3:8b"]
    assert [said for said in planned["left_out"] if "sleeper" in said]
    assert "hearth_engines:door:sleeper" not in jobs
    # More models than may be loaded: each question would put off one that people ask.
    crowded = plan(loaded_max=1)
    assert "hearth_engines:door:alpha" not in {job["job_name"] for job in crowded["prometheus"]["scrape_configs"]}
    elsewhere = monitoring_plan([HOST], "shop", LIMITS, prometheus_host="", key_file="")
    assert elsewhere["prometheus"]["scrape_configs"] == []
    assert len(elsewhere["left_out"]) >= 4


@pytest.mark.parametrize("name", ["fleet"])
def test_the_files_of_an_inventory_are_written_once(name: str, tmp_path: Path) -> None:
    def run(*options: str) -> int:
        place = {"hearth_monitoring_directory": str(tmp_path / "files"), "monitoring_node_exporter_port": 9100}
        done = subprocess.run(
            [
                Path(sys.executable).parent / "ansible-playbook",
                PROJECT / "playbooks/monitoring.yml",
                "-i",
                PROJECT / "inventories" / name,
                "-e",
                json.dumps(place),
                *options,
            ],
            env=environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert not WARNING.search(done.stdout + done.stderr), done.stdout + done.stderr
        return sum(int(found[2]) for found in RECAP.findall(done.stdout))

    assert run("--check") > 0
    assert not (tmp_path / "files").exists()
    assert run() > 0
    assert run() == 0
    read = yaml.safe_load((tmp_path / "files/prometheus.yml").read_text())
    asked = {job["job_name"]: job["static_configs"] for job in read["scrape_configs"]}
    assert asked["hearth_gateway"] == [{"targets": ["127.0.0.1:8404"], "labels": {"host": "door"}}]
    assert len(asked["hearth_hosts"]) == 4
    assert {"hearth_engines:engine1:assistant", "hearth_engines:engine2:assistant"} <= asked.keys()
    assert json.loads((tmp_path / "files/hearth.dashboard.json").read_text())["title"] == "hearth.llm: llm.example.com"
