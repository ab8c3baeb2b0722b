# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that people use, asking real models on real engines through the real gateway, set up as docs/clients.md says."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from ansible_collections.hearth.llm.tools.engine_offers.asking import events
from ansible_collections.hearth.llm.tools.engine_offers.features import CALL
from ansible_collections.hearth.llm.tools.hello_model.caller import calling_model
from ansible_collections.hearth.llm.tools.hello_model.chain import hello_model
from fakes import ports
from integration import locked
from integration.conftest import PROJECT, Runner
from integration.gateway.description import eventually
from integration.gateway.requests_of_engines import REQUESTS
from integration.real_house import House
from lab import packages
from playwright.sync_api import sync_playwright

CLIENTS = Path(__file__).with_name("clients")
QUESTION: Any = [{"role": "user", "content": "Who are you?"}]
NAME = "I am hearth-mini, a demonstration model of hearth.llm."
LONGEST_ANSWER = 64
AFTER_THE_CALL = "It costs seven."
# What agents send about cars, devices and phones, whose words say something else at the top of a request.
CAR = {
    "type": "object",
    "properties": {
        "model": {"enum": ["A", "B"], "default": "A", "examples": [{"model": "A"}]},
        "n": {"enum": [1, 2], "default": 2},
        "max_tokens": {"const": 1000000},
        "stream": {"anyOf": [{"const": True}, {"type": "object", "examples": [{"model": True}]}]},
    },
    "required": ["model", "n"],
    "additionalProperties": False,
    "examples": [{"model": {"maker": "x", "n": 9}, "n": 9, "max_tokens": 1000000}],
    "dependentRequired": {"model": ["n"]},
}
TOOLS: Any = [{"type": "function", "function": {"name": CALL[0], "description": "What it costs", "parameters": CAR}}]


@pytest.fixture(scope="module")
def page_port() -> int:
    return ports.free()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_playbook: Runner, page_port: int) -> Iterator[House]:
    packages.provide("haproxy", "libgomp.so.1", "chromium-headless-shell")
    directory = tmp_path_factory.mktemp("house")
    origin = directory / "origin"
    origin.mkdir()
    contents = {
        "caller.gguf": calling_model("caller", *CALL, AFTER_THE_CALL),
        "endless.gguf": hello_model("endless", "On and on and on it goes,", endless=True),
    }
    for name, content in contents.items():
        (origin / name).write_bytes(content)
    shipped = PROJECT / "files/models"
    small = {"context_tokens": 512, "max_output_tokens": LONGEST_ANSWER}
    models: dict[str, dict[str, Any]] = {
        "mini": {"source": f"file://{shipped}/hearth-mini.gguf", "slots": 2, **small},
        "caller": {"source": f"file://{origin}/caller.gguf", **small, "context_tokens": 4096},
        "endless": {"source": f"file://{origin}/endless.gguf", "context_tokens": 32768},
        "embedding": {
            "source": f"file://{shipped}/hearth-mini-embedding.gguf",
            "task": "embedding",
            "context_tokens": 256,
        },
    }
    described = House(directory, module_playbook, models, gateway_cors_origins=[f"http://localhost:{page_port}"])
    described.describe()
    yield described
    described.describe(state="absent")


@pytest.fixture
def client(house: House) -> openai.OpenAI:
    return house.openai()


def run(house: House, program: str, *arguments: str) -> dict[str, Any]:
    """What one of the programs says, which knows no more than a person would set."""
    url = f"https://localhost:{house.port}"
    told = {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": house.key,
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": house.key,
        "SSL_CERT_FILE": str(house.authority),
    }
    command = [str(locked.python(CLIENTS / "clients.txt")), str(CLIENTS / program), *arguments]
    ended = subprocess.run(
        command,
        env={**os.environ, **told},
        cwd=house.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return dict(json.loads(ended.stdout))


# -- openai


def test_openai_chats_and_reads_a_stream_with_what_it_cost(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="mini", messages=QUESTION, temperature=0)
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model="mini", messages=QUESTION, temperature=0, stream=True, stream_options=options
    )
    pieces = list(stream)
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert whole.choices[0].message.content == text == NAME
    assert whole.usage
    assert pieces[-1].usage
    assert pieces[-1].usage.completion_tokens == whole.usage.completion_tokens > 5


def test_openai_is_not_shown_what_it_has_not_asked_for(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="mini", messages=QUESTION, temperature=0, stream=True)
    pieces = list(stream)
    assert not [piece for piece in pieces if not piece.choices or piece.usage]


def test_openai_says_model_n_and_max_tokens_wherever_a_schema_has_them(client: openai.OpenAI) -> None:
    schema: Any = {"type": "json_schema", "json_schema": {"name": "car", "schema": {**CAR, "required": ["model"]}}}
    history: Any = [
        {"role": "user", "content": "What does A cost?", "model": "another", "n": 7},
        {"role": "assistant", "content": "Seven.", "model": {"name": "x"}, "usage": {"max_tokens": 10**6}},
        *QUESTION,
    ]
    extra = {
        "metadata": {"model": "another", "n": 5, "max_tokens": 10**6},
        "chat_template_kwargs": {"model": "x"},
        "fallbacks": [{"model": "another"}],
    }
    called = client.chat.completions.create(
        model="caller", messages=[{"role": "user", "content": "What does A cost?"}], tools=TOOLS, extra_body=extra
    )
    call: Any = (called.choices[0].message.tool_calls or [])[0]
    assert (call.function.name, json.loads(call.function.arguments)) == CALL
    formed = client.chat.completions.create(model="mini", messages=history, response_format=schema, extra_body=extra)
    assert formed.choices[0].message.content


@pytest.mark.parametrize("asked", [4096, -1, 500.0, "500"])
def test_openai_asks_for_more_than_there_is_and_is_told(house: House, asked: Any) -> None:
    for way, field in (("chat.completions", "max_tokens"), ("responses", "max_output_tokens")):
        answers: Any = functools.reduce(getattr, way.split("."), house.openai())
        question = {"messages": QUESTION} if field == "max_tokens" else {"input": "Who are you?"}
        answer = answers.with_raw_response.create(model="mini", **question, **{field: asked})
        assert answer.headers["X-Hearth-Lowered"] == f"{field}={LONGEST_ANSWER}"
        assert answer.parse().usage.model_dump()


def test_openai_asks_by_responses_and_calls_tools_there(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="mini", input="Who are you?", temperature=0, max_output_tokens=4096)
    assert answer.output_text == NAME
    assert answer.usage
    assert answer.usage.output_tokens > 5
    stream = client.responses.create(model="mini", input="Who are you?", temperature=0, stream=True)
    deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert "".join(deltas) == NAME
    tool: Any = {"type": "function", "strict": False, **TOOLS[0]["function"]}
    called = client.responses.create(model="caller", input="What does A cost?", tools=[tool])
    assert [(item.name, json.loads(item.arguments)) for item in called.output if item.type == "function_call"] == [CALL]


def test_openai_embeds_as_floats_and_as_base64(client: openai.OpenAI) -> None:
    # By itself this client asks for base64, and shows floats.
    vectors = client.embeddings.create(model="embedding", input=["bread", "a cat"]).data
    floats = client.embeddings.create(model="embedding", input="bread", encoding_format="float").data
    assert len(vectors) == 2
    assert vectors[0].embedding == pytest.approx(floats[0].embedding, abs=1e-6)


def test_openai_reads_why_it_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="is longer than") as long:
        client.chat.completions.create(model="mini", messages=[{"role": "user", "content": "x" * 30_000_000}])
    assert long.value.status_code == 413
    with pytest.raises(openai.BadRequestError, match="asks for 16 answers") as many:
        client.completions.create(model="mini", prompt=["x"] * 16, max_tokens=5)
    assert many.value.code == "too_many_answers"
    with pytest.raises(openai.BadRequestError, match="asks for 3 answers"):
        client.chat.completions.create(model="mini", messages=QUESTION, n=3)
    with pytest.raises(openai.NotFoundError, match="There is nothing here"):
        client.images.generate(model="mini", prompt="a cat")
    with pytest.raises(openai.BadRequestError, match="but for /v1/embeddings"):
        client.chat.completions.create(model="embedding", messages=QUESTION)


def test_openai_hangs_up_and_nothing_goes_on(house: House) -> None:
    """Whatever it says of the talk that it belongs to: by such a header llama.cpp goes on for who is gone."""
    headers = {"X-Conversation-Id": "1"}
    stream = house.openai().chat.completions.create(
        model="endless", messages=QUESTION, stream=True, max_tokens=30000, extra_headers=headers
    )
    next(stream)
    stream.close()

    def rests() -> bool:
        return "llamacpp:requests_processing 0" in house.engine_says("endless", "/metrics")

    eventually(rests, "the engine has stopped", 10)


# -- whatever else is asked


def shape(value: Any) -> Any:
    """What a program finds in an answer, whatever its words are."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(inner)) for inner in value})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def read(status: int, text: str) -> Any:
    if status != 200:
        return None
    return shape(events(text) if text.startswith(("data:", "event:")) else json.loads(text))


def test_an_answer_through_the_gateway_is_the_engines_own(house: House) -> None:
    differences = []
    for model, path, body in REQUESTS:
        asked = json.dumps({"model": model, "temperature": 0, **body})
        direct, through = house.ask_engine("POST", model, path, asked), house.ask_gateway(path, asked)
        # What the engine refuses may be refused before, in other words.
        alike = direct[0] == through[0] or min(direct[0], through[0]) >= 400
        if not alike or read(*direct) != read(*through):
            differences.append(f"{path} {asked[:300]}: {direct[0]} {direct[1][:300]} / {through[0]} {through[1][:300]}")
    assert differences == []


# -- anthropic, an agent, curl, a browser


def test_anthropic_asks_streams_counts_and_calls_tools(house: House) -> None:
    said = run(house, "anthropic_program.py", "mini", "caller")
    assert said["whole"] == said["streamed"] == NAME
    assert said["pieces"] > 5
    assert said["written"][0] == said["written"][1] > 5
    assert said["counted"] > 5
    assert said["call"] == [*CALL, "tool_use"]
    assert said["answer"] == AFTER_THE_CALL
    assert "API key" in said["refused"]


def test_an_agent_calls_its_tool_and_answers_by_either_api(house: House) -> None:
    said = run(house, "agent_program.py", "caller")
    seen = [[CALL[1]["model"], CALL[1]["n"]]]
    expected = {"seen": seen, "answer": AFTER_THE_CALL, "requests": 2}
    assert said == {"OpenAIChatModel": expected, "OpenAIResponsesModel": expected}


def test_curl_asks_by_the_newest_http_that_both_have(house: House) -> None:
    body = house.directory / "body.json"
    body.write_text(json.dumps({"model": "mini", "messages": QUESTION, "temperature": 0, "metadata": "x" * 3_000_000}))
    command = ["curl", "--silent", "--show-error", "--cacert", str(house.authority), "--data-binary", f"@{body}"]
    command += ["--header", f"api-key: {house.key}", "--header", "Content-Type: application/json"]
    url = f"https://localhost:{house.port}/v1/chat/completions"
    answer = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=120).stdout
    assert json.loads(answer)["choices"][0]["message"]["content"] == NAME


ASKS = """
async ([url, key]) => {
    try {
        const answer = await fetch(url, {
            method: "POST",
            headers: {Authorization: `Bearer ${key}`, "Content-Type": "application/json"},
            body: JSON.stringify({model: "mini", messages: [{role: "user", content: "Who are you?"}], temperature: 0, max_tokens: 4096}),
        });
        const said = await answer.json();
        return [answer.status, answer.headers.get("X-Hearth-Lowered"), said.choices?.[0].message.content ?? said.error.code];
    } catch (error) {
        return [0, null, error.name];
    }
}
"""


def test_a_page_in_a_browser_asks_where_its_origin_is_described(house: House, page_port: int, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>A page</title>")
    files = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    url = f"https://localhost:{house.port}/v1/chat/completions"
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", page_port), files) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        program = shutil.which("chromium-headless-shell")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        # It has no list of authorities of its own to add ours to.
        page = browser.new_page(ignore_https_errors=True)
        page.goto(f"http://localhost:{page_port}/")
        assert page.evaluate(ASKS, [url, house.key]) == [200, f"max_tokens={LONGEST_ANSWER}", NAME]
        # A page can read why it was refused.
        assert page.evaluate(ASKS, [url, "sk-wrong"]) == [401, None, "invalid_api_key"]
        # The same page by another name is another origin.
        page.goto(f"http://127.0.0.1:{page_port}/")
        assert page.evaluate(ASKS, [url, house.key]) == [0, None, "TypeError"]
        browser.close()
        server.shutdown()
