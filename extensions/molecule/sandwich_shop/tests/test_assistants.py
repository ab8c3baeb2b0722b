# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to three assistants, without a click: each with its model, its prompt and its papers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import packages

from .conftest import PROJECT, Frontend

QUESTION, FACT = "What is the secret of the Club sandwich?", "smoked paprika"


def test_the_fact_in_the_paper_comes_back_in_the_answer(frontend: Frontend) -> None:
    answer = frontend.ask("docexplorer", QUESTION)
    assert FACT in answer["textResponse"]
    assert answer["sources"][0]["title"] == "signature_sandwiches.md"


@pytest.mark.parametrize(
    ("slug", "name", "model"),
    [
        ("docexplorer", "DocExplorer", "nemo"),
        ("brandspark", "BrandSpark", "nemo"),
        ("codesage", "CodeSage", "codestral"),
    ],
)
def test_each_assistant_has_its_model_and_its_prompt(frontend: Frontend, slug: str, name: str, model: str) -> None:
    answer = frontend.ask(slug, "What is your name?")
    assert name in answer["textResponse"]
    assert answer["metrics"]["model"] == model


def test_a_person_sees_the_assistants_that_are_for_her(frontend: Frontend) -> None:
    members = {
        workspace["name"]: {
            user["username"] for user in frontend.v1("GET", f"admin/workspaces/{workspace['id']}/users")["users"]
        }
        for workspace in frontend.v1("GET", "workspaces")["workspaces"]
    }
    everybody = {"ana", "ben", "olivia"}
    assert members == {"DocExplorer": everybody, "BrandSpark": everybody, "CodeSage": {"ben"}}
    for name in everybody:
        frontend.login(name)


def test_whoever_has_no_key_gets_nothing(frontend: Frontend) -> None:
    for path in ("api/v1/workspaces", "api/system/api-keys"):
        assert frontend.http().get(path).status_code in (401, 403), path
    assert frontend.http().get("api/env-dump").status_code == 404
    assert "text/html" in frontend.http().get("").headers["Content-Type"]


def test_an_answer_arrives_as_it_is_made(frontend: Frontend) -> None:
    body = {"message": "What is your name?"}
    with frontend.http(frontend.key).stream("POST", "api/v1/workspace/brandspark/stream-chat", json=body) as response:
        events = [line for line in response.iter_lines() if line.startswith("data:")]
    assert len(events) > 3


@pytest.mark.parametrize("program", ["ask.sh", "ask.py"])
@pytest.mark.parametrize("target", ["anythingllm", "gateway"])
def test_the_example_programs_get_an_answer(frontend: Frontend, program: str, target: str, tmp_path: Path) -> None:
    packages.provide("curl", "jq")
    name, question, words = {
        "anythingllm": ("docexplorer", QUESTION, FACT),
        "gateway": ("nemo", f"Context: The secret of the Club sandwich is smoked paprika. {QUESTION}", FACT),
    }[target]
    service = frontend.service
    # curl goes to the address itself; Python's name resolution is told by a file of its own.
    (tmp_path / "sitecustomize.py").write_text(
        f"import socket\nask = socket.getaddrinfo\n"
        f"socket.getaddrinfo = lambda name, *more, **options: "
        f"ask({service.address!r} if name == {service.domain!r} else name, *more, **options)\n"
    )
    command = [sys.executable] if program == "ask.py" else []
    process = subprocess.run(
        [*command, PROJECT / "examples" / program, target, name, question],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(tmp_path),
            "HEARTH_URL": f"https://{service.domain}",
            "HEARTH_API_KEY": frontend.key if target == "anythingllm" else service.key("till"),
            "HEARTH_CA": str(service.secrets / "tls" / "ca.pem"),
            "HEARTH_CONNECT_TO": service.address,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert words in process.stdout
    if program == "ask.py":
        assert "total_tokens" in process.stderr
