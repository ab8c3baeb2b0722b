# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.modules.completion_probe import _questions, argument_spec, run

NOBODY = "http://127.0.0.1:1/v1"


def params(**given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in argument_spec().items()}
    return {**defaults, "url": NOBODY, "timeout": 0.2, "interval": 0.1, **given}


def test_what_a_model_does_not_say_is_as_the_task_says() -> None:
    task = params(prompt="?", expect="yes", api_key="k", connect_to="10.0.0.1")
    task["models"] = [
        {"model": "a"},
        {"model": "b", "prompt": "!", "expect_match": "n.", "url": "http://localhost/v1", "socket_path": "/b.sock"},
    ]
    first, second = _questions(task)

    assert (first.prompt, first.expect, first.expect_match, first.max_tokens) == ("?", "yes", None, 64)
    assert (first.way.url, first.way.connect_to, first.api_key) == (NOBODY, "10.0.0.1", "k")
    assert (second.prompt, second.expect, second.expect_match) == ("!", None, "n.")
    assert (second.way.url, second.way.connect_to, second.way.socket_path) == ("http://localhost/v1", None, "/b.sock")


def test_check_mode_says_that_nobody_answers_and_does_not_fail() -> None:
    result = run(params(model="chat"), check_mode=True)

    assert (result["probed"], result["answers"], result["failures"]["chat"]["attempts"]) == (False, {}, 1)


def test_the_failure_names_model_stage_and_how_long_it_was_asked() -> None:
    with pytest.raises(
        HearthError, match=r"The model chat does not answer as it should \(connect; asked \d+ times in"
    ) as failed:
        run(params(model="chat"), check_mode=False)

    assert failed.value.details["failures"]["chat"]["stage"] == "connect"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"models": [{"model": "a"}, {"model": "a"}]}, "models: a is there twice"),
        ({"model": "a", "expect_match": "("}, "is not a regular expression"),
        ({"models": [{"model": "a", "task": "rerank", "picture": True}]}, "only one for chat is shown a picture"),
        ({"model": "a", "max_tokens": 0}, "max_tokens: 0 is too few"),
        ({"model": "a", "timeout": 0}, "timeout: 0 is no time to wait"),
        ({"model": "a", "grace": -1}, "grace: -1 is no time to wait"),
    ],
)
def test_options_that_cannot_be_are_refused_in_check_mode_too(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        run(params(**given), check_mode=True)

    assert words in str(refused.value)
    assert "one\ntwo" not in str(refused.value)
