#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only proof that a model is served: it has answered."""

from __future__ import annotations

DOCUMENTATION = r"""
module: completion_probe
short_description: Wait until served models answer a real completion
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks each model for a chat completion, by streaming, as users do, and waits until it has answered.
  - Returns what the models said, the time to the first token, and tokens a second.
  - When time is up, or where waiting cannot help (a wrong key, a certificate that is not trusted, an unknown model, another text than
    the expected one), it fails and says how far the question came, with the server's own words and with what to do.
  - No proxy is used.
  - In check mode each model is asked once. The module then never fails, because what is missing may be what the run would set up;
    RV(probed) says whether all models have answered.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  url:
    description:
      - Base of the API, up to where C(/chat/completions) follows.
      - The certificate has to be for the name in it, also with O(connect_to).
    type: str
    required: true
  connect_to:
    description: Connect to this C(address) or C(address:port), whatever the name in O(url) resolves to.
    type: str
  socket_path:
    description: Connect to this Unix socket. O(url) then only says what to ask for.
    type: path
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them on the host.
    type: path
  api_key:
    description: The key that is sent.
    type: str
  model:
    description: Served name of the one model to ask.
    type: str
  models:
    description: The models to ask. What is not given for a model is as given for the task.
    type: list
    elements: dict
    suboptions:
      model:
        description: Served name.
        type: str
        required: true
      instance:
        description: Which of its instances is asked, where there are several. In what is returned, the second is called C(chat.2).
        type: int
        default: 1
      task:
        description:
          - What the model does with O(models[].prompt); answer it, or embed it.
          - One for V(rerank) is asked a question of its own, with two documents of which it has to rank the right one first.
        type: str
        choices: [chat, embedding, rerank]
        default: chat
      picture:
        description: Whether a picture goes with O(models[].prompt), a small PNG that is red all over. For models that see.
        type: bool
        default: false
      url:
        description: See O(url).
        type: str
      socket_path:
        description: See O(socket_path).
        type: path
      prompt:
        description: See O(prompt).
        type: str
      expect:
        description: See O(expect).
        type: str
      expect_match:
        description: See O(expect_match).
        type: str
      max_tokens:
        description: See O(max_tokens).
        type: int
      api_key:
        description: See O(api_key).
        type: str
  prompt:
    description: What the models are asked, at temperature 0.
    type: str
    default: Say in one short sentence that you are ready.
  expect:
    description: The whole text that the answer must be, apart from white space around it.
    type: str
  expect_match:
    description: A regular expression that must be found in the answer.
    type: str
  max_tokens:
    description: Tokens after which the answer may be cut off.
    type: int
    default: 64
  timeout:
    description: How long to wait for all models together, seconds.
    type: float
    default: 300
  interval:
    description: Pause between two rounds of questions, seconds.
    type: float
    default: 0.5
  request_timeout:
    description: How long a server may keep silent while it answers, seconds. A model that is loaded on demand is loaded in this time.
    type: float
    default: 120
  grace:
    description:
      - For how long to wait also for what waiting alone does not mend, seconds.
      - Of use where a service is being replaced, and the old one may still answer.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Wait until all models answer through the gateway
  hearth.llm.completion_probe:
    url: https://llm.example.org:8443/v1
    connect_to: 127.0.0.1
    ca_path: /etc/hearth/ca.pem
    api_key: "{{ lookup('hearth.llm.secret', 'api_keys/verify') }}"
    models:
      - model: hearth-mini
        expect: I am hearth-mini, and I am ready.
      - model: chat
        prompt: What is the capital of France? Answer with one word.
        expect_match: Paris
      - model: embedder
        task: embedding
      - model: reranker
        task: rerank
      - model: seer
        picture: true
        prompt: Which colour has this picture? Answer with one word.
        expect_match: (?i)red
  register: verified

- name: Show how fast the chat model is
  ansible.builtin.debug:
    msg: >-
      First token after {{ verified.answers.chat.ttft_ms }} ms,
      {{ verified.answers.chat.tokens_per_second }} tokens a second

- name: Wait for engines that listen on Unix sockets
  hearth.llm.completion_probe:
    url: http://localhost/v1
    models:
      - model: chat
        socket_path: /run/hearth/chat.sock
      - model: embedding
        socket_path: /run/hearth/embedding.sock
    timeout: 60
"""

RETURN = r"""
probed:
  description: Whether all models have answered as expected. False in check mode only.
  type: bool
  returned: success
  sample: true
answers:
  description: What the models answered, by served name, or by what an instance is called.
  type: dict
  returned: always
  contains:
    text:
      description: What the model said.
      type: str
      returned: success
      sample: I am ready.
    reasoning:
      description: What it said to itself before, where the server tells that apart.
      type: str
      returned: success
      sample: ""
    finish_reason:
      description: Why it ended; V(stop) at the end of its turn, V(length) at O(max_tokens).
      type: str
      returned: success
      sample: stop
    model:
      description: The model's name in the answer.
      type: str
      returned: success
      sample: chat
    ttft_ms:
      description: Time to the first token, from when the question was sent, milliseconds.
      type: float
      returned: success
      sample: 41.5
    total_ms:
      description: Time to the last token, from when the question was sent, milliseconds.
      type: float
      returned: success
      sample: 388.2
    tokens:
      description: Number of tokens of the answer.
      type: int
      returned: success
      sample: 13
    tokens_counted_by:
      description: V(usage) or V(timings), as the server counted them, or V(chunks), the number of pieces that arrived.
      type: str
      returned: success
      sample: usage
    tokens_per_second:
      description: Speed of the answer after its first token. Null where it was too short to be measured.
      type: float
      returned: success
      sample: 34.9
    rate_measured_by:
      description: V(server), where the server says its speed, or V(clock).
      type: str
      returned: success
      sample: server
    attempts:
      description: How often it was asked.
      type: int
      returned: success
      sample: 3
    dimensions:
      description: Length of the vector, where the model embeds.
      type: int
      returned: success
      sample: 384
    scores:
      description: The score of each document that was to be ranked. The second one is right.
      type: list
      elements: float
      returned: success
      sample: [-7.1, 8.3]
    waited_seconds:
      description: How long it took until it had answered, seconds.
      type: float
      returned: success
      sample: 1.2
failures:
  description: How far the question came, for each model that did not answer as expected, by served name.
  type: dict
  returned: failure, or in check mode
  contains:
    stage:
      description:
        - The step that failed. V(resolve) the name, V(connect), V(tls), V(request) where something else answers,
          V(auth) the key, V(model) the model's name, V(loading) where the server is not ready, V(generation) where it failed while it answered,
          V(answer) where the answer is empty or another one than expected.
      type: str
      returned: always
      sample: tls
    message:
      description: What happened, and what to do.
      type: str
      returned: always
      sample: the certificate that https://llm.example.org/v1 shows has expired. Renew it, and check the clocks of both hosts.
    status:
      description: The HTTP status, where there was one.
      type: int
      returned: always
      sample: 503
    attempts:
      description: How often it was asked.
      type: int
      returned: always
      sample: 12
    waited_seconds:
      description: How long was waited, seconds.
      type: float
      returned: always
      sample: 60.2
"""

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._completion.answer import Answer
from ansible_collections.hearth.llm.plugins.module_utils._completion.ask import Question
from ansible_collections.hearth.llm.plugins.module_utils._completion.probe import Outcome, Patience, Prober
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import ProbeError, Way

if TYPE_CHECKING:
    from typing import Mapping

# What a model has of its own, or from the task.
SHARED = ("prompt", "expect", "expect_match", "max_tokens", "api_key")


def argument_spec() -> dict[str, Any]:
    expectations: dict[str, Any] = {
        "expect": {"type": "str"},
        "expect_match": {"type": "str"},
        "api_key": {"type": "str", "no_log": True},
    }
    return {
        "url": {"type": "str", "required": True},
        "connect_to": {"type": "str"},
        "socket_path": {"type": "path"},
        "ca_path": {"type": "path"},
        "model": {"type": "str"},
        "models": {
            "type": "list",
            "elements": "dict",
            "options": {
                **expectations,
                "model": {"type": "str", "required": True},
                "instance": {"type": "int", "default": 1},
                "task": {"type": "str", "choices": ["chat", "embedding", "rerank"], "default": "chat"},
                "picture": {"type": "bool", "default": False},
                "url": {"type": "str"},
                "socket_path": {"type": "path"},
                "prompt": {"type": "str"},
                "max_tokens": {"type": "int", "no_log": False},
            },
        },
        **expectations,
        "prompt": {"type": "str", "default": "Say in one short sentence that you are ready."},
        "max_tokens": {"type": "int", "default": 64, "no_log": False},
        "timeout": {"type": "float", "default": 300},
        "interval": {"type": "float", "default": 0.5},
        "request_timeout": {"type": "float", "default": 120},
        "grace": {"type": "float", "default": 0},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What the module returns. HearthError with the same as its details where a model did not answer as expected."""
    seconds = ("timeout", "interval", "request_timeout", "grace")
    for name in seconds:
        if params[name] < 0 or (params[name] == 0 and name in ("timeout", "request_timeout")):
            raise InputError(f"{name}: {params[name]} is no time to wait. Give a positive number of seconds.")
    prober = Prober(Patience(*(params[name] for name in seconds)))
    outcomes = prober.ask_all(_questions(params), once=check_mode)
    answers = {outcome.question.called: _answer(outcome, outcome.answer) for outcome in outcomes if outcome.answer}
    failures = {outcome.question.called: _failure(outcome, outcome.failure) for outcome in outcomes if outcome.failure}
    if failures and not check_mode:
        raise HearthError(
            " ".join(_sentence(outcome, outcome.failure) for outcome in outcomes if outcome.failure),
            answers=answers,
            failures=failures,
        )
    return {"probed": not failures, "answers": answers, **({"failures": failures} if failures else {})}


def _questions(params: Mapping[str, Any]) -> list[Question]:
    questions: dict[str, Question] = {}
    for own in params["models"] or [{"model": params["model"]}]:
        values = {name: params[name] if own.get(name) is None else own[name] for name in SHARED}
        # A model's own expectation replaces the task's, of either kind.
        if own.get("expect") is not None:
            values["expect_match"] = own.get("expect_match")
        elif own.get("expect_match") is not None:
            values["expect"] = None
        way = Way(
            own.get("url") or params["url"],
            None if own.get("socket_path") else params["connect_to"],
            own.get("socket_path") or params["socket_path"],
            params["ca_path"],
        )
        task, picture = own.get("task") or "chat", bool(own.get("picture"))
        number = int(own.get("instance") or 1)
        question = Question(way, own["model"], task=task, picture=picture, instance=number, **values)
        _check_question(question)
        if question.called in questions:
            raise InputError(f"models: {question.called} is there twice. Ask each model once.")
        questions[question.called] = question
    return list(questions.values())


def _check_question(question: Question) -> None:
    if question.picture and question.task != "chat":
        raise InputError(
            f"models: {question.model} has the task {question.task}, and only one for chat is shown a picture."
        )
    if question.max_tokens < 1:
        raise InputError(f"max_tokens: {question.max_tokens} is too few for an answer. Give at least 1.")
    try:
        re.compile(question.expect_match or "")
    except re.error as error:
        raise InputError(f"expect_match: {question.expect_match} is not a regular expression ({error}).") from error


def _answer(outcome: Outcome, answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text.strip(),
        "reasoning": answer.reasoning.strip(),
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        **answer.measures(),
        "dimensions": answer.dimensions,
        "scores": answer.scores,
        "attempts": outcome.attempts,
        "waited_seconds": outcome.waited_seconds,
    }


def _failure(outcome: Outcome, failure: ProbeError) -> dict[str, Any]:
    return {
        "stage": failure.stage,
        "message": failure.message,
        "status": failure.status,
        "attempts": outcome.attempts,
        "waited_seconds": outcome.waited_seconds,
    }


def _sentence(outcome: Outcome, failure: ProbeError) -> str:
    times = "once" if outcome.attempts == 1 else f"{outcome.attempts} times in {outcome.waited_seconds:.0f} s"
    return f"The model {outcome.question.called} does not answer as it should ({failure.stage}; asked {times}): {failure.message}"


def main() -> None:
    run_module(
        lambda module: run(module.params, check_mode=module.check_mode),
        argument_spec(),
        required_one_of=[("model", "models")],
        mutually_exclusive=[("model", "models")],
    )


if __name__ == "__main__":
    main()
