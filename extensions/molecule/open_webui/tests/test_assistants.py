# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Open WebUI, described: its assistants answer by API through the gateway, from their papers, and for those who may use them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab.service import Service

PROJECT = Path(__file__).resolve().parents[4]
QUESTION, FACT = "What is the secret of the Club sandwich?", "smoked paprika"


def session(service: Service, name: str) -> str:
    credentials = {
        "email": f"{name}@{service.domain}",
        "password": (service.secrets / "users" / name).read_text().strip(),
    }
    response = service.http().post(site(service, "api/v1/auths/signin"), json=credentials)
    assert response.status_code == 200, response.text
    return str(response.json()["token"])


def site(service: Service, path: str) -> str:
    return f"https://{service.domain}:{service.port}/{path}"


def chat(service: Service, token: str, model: str, question: str) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": False}
    response = service.http(token).post(site(service, "api/chat/completions"), json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return session(service, "ana")


def test_the_fact_in_the_paper_comes_back_in_the_answer(service: Service, token: str) -> None:
    answer = chat(service, token, "docexplorer", QUESTION)
    assert FACT in answer["choices"][0]["message"]["content"]
    assert answer["sources"]


def test_each_assistant_has_its_prompt(service: Service, token: str) -> None:
    for model, name in (("docexplorer", "DocExplorer"), ("brandspark", "BrandSpark")):
        answer = chat(service, token, model, "What is your name?")
        assert name in answer["choices"][0]["message"]["content"]


def test_nobody_signs_up(service: Service) -> None:
    body = {"name": "Eve", "email": "eve@example.com", "password": "eve-SECRET-9"}
    assert service.http().post(site(service, "api/v1/auths/signup"), json=body).status_code == 403
    assert service.http().get(site(service, "api/v1/users/all")).status_code in (401, 403)


def test_the_door_knows_which_person_asked(service: Service, token: str, variables: dict[str, Any]) -> None:
    chat(service, token, "brandspark", "What is your name?")
    log = Path(variables["hearth_directory"], "services", "gateway", "service.log").read_text()
    asked = [line for line in log.splitlines() if '"key":"open_webui"' in line and '"user":"-"' not in line]
    assert asked


@pytest.mark.parametrize("program", ["ask.sh", "ask.py"])
def test_the_example_programs_get_an_answer(service: Service, token: str, program: str) -> None:
    command = [sys.executable] if program == "ask.py" else []
    process = subprocess.run(
        [*command, PROJECT / "examples" / program, "open_webui", "docexplorer", QUESTION],
        env={
            "PATH": os.environ["PATH"],
            "HEARTH_URL": f"https://{service.domain}:{service.port}",
            "HEARTH_API_KEY": token,
            "HEARTH_CA": str(service.secrets / "tls" / "ca.pem"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert FACT in process.stdout
