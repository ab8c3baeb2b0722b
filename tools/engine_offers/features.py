# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request may say of the text that it wants. Each feature is asked for by each way, and the answer shows whether it was heeded."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils._completion.picture import data_url
from ansible_collections.hearth.llm.tools.engine_offers.asking import (
    Answer,
    Chat,
    Completions,
    Door,
    Messages,
    Responses,
    Way,
)

CHAT, COMPLETIONS, RESPONSES, MESSAGES = Chat(), Completions(), Responses(), Messages()
WAYS: tuple[Way, ...] = (CHAT, COMPLETIONS, RESPONSES, MESSAGES)
QUESTION = "Who are you?"
# What the small model has more than one answer to.
ODD = "blue sky over the red house"
# So often that they have shown by then.
TRIES = 24
# The colour that the model of the test knows.
RED = (250, 10, 10)
# No object, for the small model fills what it may with spaces.
SCHEMA = {"enum": ["Paris", "Rome"]}
# What clients really send: words that say something at the top of a request stand here as names of a car.
PARAMETERS = {
    "type": "object",
    "properties": {"model": {"enum": ["A", "B"], "default": "A"}, "n": {"enum": [1, 2], "default": 2}},
    "required": ["model", "n"],
    "additionalProperties": False,
    "examples": [{"model": {"maker": "x"}, "n": 2, "max_tokens": 10**6}],
}
CALL = ("price", {"model": "A", "n": 2})
GRAMMAR = 'root ::= "yes" | "no"'
# With these a small model, too, says one thing or another.
HOT: dict[str, float] = {"temperature": 3, "top_p": 1, "top_k": 0, "min_p": 0}

Doors = dict[str, Door]


class Asker:
    """One way to one model."""

    def __init__(self, doors: Doors, way: Way, model: str = "chat") -> None:
        self._doors, self.way, self.door = doors, way, doors[model]

    def of(self, model: str) -> Asker:
        return Asker(self._doors, self.way, model)

    def __call__(self, question: Any = QUESTION, **fields: Any) -> Answer:
        # Without a template of a chat this model goes on with what it reads.
        if self.way is COMPLETIONS and question == QUESTION:
            question = "red red red red red red"
        return self.way.ask(self.door, question, **fields)


Check = Callable[[Asker, str], bool]


@dataclass(frozen=True)
class Feature:
    means: str
    # Whether it was heeded when it was asked for by this word.
    check: Check
    # What it is called, by way. A way that is not here has no word for it.
    words: dict[Way, str] = field(default_factory=dict)


def everywhere(word: str, **other: str) -> dict[Way, str]:
    names = {way.path.rpartition("/")[2] if way is not CHAT else "chat": way for way in WAYS}
    return {way: other.get(name, word) for name, way in names.items() if other.get(name, word)}


def _streamed(ask: Asker, word: str) -> bool:
    streamed = ask(**{word: True})
    return streamed.pieces > 2 and streamed.text == ask().text


def _counted(ask: Asker, _word: str) -> bool:
    answer = ask()
    return bool(answer.read and answer.written)


def _counted_in_a_stream(ask: Asker, word: str) -> bool:
    more = {word: {"include_usage": True}} if word == "stream_options" else {}
    answer = ask(stream=True, **more)
    return bool(answer.read and answer.written)


def _cached(ask: Asker, _word: str) -> bool:
    ask()
    return bool(ask().cached)


def _limited(ask: Asker, word: str) -> bool:
    return ask(**{word: 3}).written == 3


def _stopped(ask: Asker, word: str) -> bool:
    plain = ask().text
    end = plain.split()[1]
    return ask(**{word: [end]}).text.rstrip() == plain.partition(end)[0].rstrip()


def _seeded(ask: Asker, word: str) -> bool:
    by_seed = [{ask(ODD, **HOT, **{word: seed}).text for _time in range(TRIES // 4)} for seed in (7, 8, 9, 10)]
    return all(len(said) == 1 for said in by_seed) and len(set.union(*by_seed)) > 1


def _narrowed(value: float) -> Check:
    """A field that leaves nothing but the likeliest: even a hot model says one thing then."""

    def check(ask: Asker, word: str) -> bool:
        hot = {name: size for name, size in HOT.items() if name != word}
        return not _varies(ask, **hot, **{word: value}) and _varies(ask, **hot)

    return check


def _tempered(ask: Asker, word: str) -> bool:
    return not _varies(ask, **{word: 0}) and _varies(ask, **{**HOT, word: 3.0})


def _varies(ask: Asker, **fields: Any) -> bool:
    first = ask(ODD, **fields).text
    return any(ask(ODD, **fields).text != first for _time in range(TRIES))


def _penalized(size: float) -> Check:
    def check(ask: Asker, word: str) -> bool:
        return ask(**{word: size}).text != ask().text

    return check


def _biased(ask: Asker, word: str) -> bool:
    plain = ask()
    first = json.loads(ask.door.post("/tokenize", {"content": plain.text}))["tokens"][0]
    return ask(**{word: {str(first): -100}}).text != plain.text


def _logprobs(ask: Asker, word: str) -> bool:
    asked: dict[str, Any] = {"top_logprobs": 2}
    asked[word] = 2 if ask.way is COMPLETIONS else ["message.output_text.logprobs"] if word == "include" else True
    return len(ask(**{ask.way.limit: 1}, **asked).logprobs) == 1


def _several(ask: Asker, word: str) -> bool:
    return len(ask(**{word: 2}).texts) == 2


def _grammar(ask: Asker, word: str) -> bool:
    return ask(**{word: GRAMMAR}).text in ("yes", "no")


def _schema(ask: Asker, word: str) -> bool:
    named: dict[str, Any] = {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}
    values: dict[str, dict[str, Any]] = {
        "response_format": {"type": "json_schema", "json_schema": named},
        "json_schema": SCHEMA,
        "text.format": {"format": named},
        "output_config.format": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }
    return _is_json(ask(**{word.partition(".")[0]: values[word]}).text, SCHEMA["enum"])


def _object(ask: Asker, word: str) -> bool:
    kind = {"type": "json_object"}
    return _is_json(ask(**{word.partition(".")[0]: {"format": kind} if "." in word else kind}).text)


def _is_json(text: str, values: list[str] | None = None) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        return False
    return document in values if values else isinstance(document, dict)


def tools(way: Way) -> list[dict[str, Any]]:
    said: dict[str, Any] = {"name": CALL[0], "description": "What a car costs"}
    if way is MESSAGES:
        return [{**said, "input_schema": PARAMETERS}]
    said["parameters"] = PARAMETERS
    return [{"type": "function", **said}] if way is RESPONSES else [{"type": "function", "function": said}]


def _called(ask: Asker, word: str) -> bool:
    return ask.of("caller")("What does A cost?", **{word: tools(ask.way)}).calls == [CALL]


def _called_in_a_stream(ask: Asker, word: str) -> bool:
    return ask.of("caller")("What does A cost?", stream=True, **{word: tools(ask.way)}).calls == [CALL]


def _forced(ask: Asker, word: str) -> bool:
    """By itself this model calls nothing once it was told a result."""
    must = {"type": "any"} if ask.way is MESSAGES else "required"
    answer = ask.of("caller")(told(ask.way), tools=tools(ask.way), **{word: must})
    return [name for name, _arguments in answer.calls] == [CALL[0]]


def _forbidden(ask: Asker, word: str) -> bool:
    none = {"type": "none"} if ask.way is MESSAGES else "none"
    return not ask.of("caller")("What does A cost?", tools=tools(ask.way), **{word: none}).calls


def told(way: Way) -> list[dict[str, Any]]:
    """A talk in which the tool was called and has answered."""
    asked: list[dict[str, Any]] = [{"role": "user", "content": "What does A cost?"}]
    name, arguments = CALL
    text = json.dumps(arguments)
    if way is RESPONSES:
        call = {"type": "function_call", "call_id": "1", "name": name, "arguments": text}
        return [*asked, call, {"type": "function_call_output", "call_id": "1", "output": "7"}]
    if way is MESSAGES:
        used: dict[str, Any] = {"type": "tool_use", "id": "1", "name": name, "input": arguments}
        result = {"type": "tool_result", "tool_use_id": "1", "content": "7"}
        return [*asked, {"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    calls = [{"id": "1", "type": "function", "function": {"name": name, "arguments": text}}]
    said: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": calls}
    return [*asked, said, {"role": "tool", "tool_call_id": "1", "content": "7"}]


def _answered(ask: Asker, _word: str) -> bool:
    answer = ask.of("caller")(told(ask.way), tools=tools(ask.way))
    return not answer.calls and bool(answer.text) and "<" not in answer.text


def _given_up(ask: Asker, _word: str) -> bool:
    """Whether an engine stops when nobody reads any more. It would be at this answer for seconds."""
    door, tokens = ask.of("endless").door, 20000
    before = _metric(door, "tokens_predicted_total")
    asked = ask.way.body("x")
    door.hang_up(ask.way.path, {**asked, "stream": True, ask.way.limit: tokens})
    while _metric(door, "requests_processing"):
        time.sleep(0.02)
    return _metric(door, "tokens_predicted_total") - before < tokens


def _metric(door: Door, name: str) -> float:
    found = re.search(rf"^llamacpp:{name} (\S+)$", door.get("/metrics"), re.MULTILINE)
    return float(found[1]) if found else 0


def _seen(ask: Asker, word: str) -> bool:
    url = data_url(RED)
    pictures: dict[str, dict[str, Any]] = {
        "image_url": {"type": "image_url", "image_url": {"url": url}},
        "input_image": {"type": "input_image", "image_url": url},
        "image": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": url.partition(",")[2]},
        },
    }
    text: dict[str, Any] = {"type": "input_text" if ask.way is RESPONSES else "text", "text": "Which colour is it?"}
    blind = ask.of("seer")([{"role": "user", "content": [text]}]).text
    return ask.of("seer")([{"role": "user", "content": [text, pictures[word]]}]).text not in ("", blind)


def _instructed(ask: Asker, word: str) -> bool:
    """Whether the instruction is read: the prompt is longer by it."""
    said = "Answer as a pirate would, in one word."
    if word in ("system", "instructions") and ask.way is not CHAT:
        longer = ask(**{word: said})
    else:
        longer = ask([{"role": word, "content": said}, {"role": "user", "content": QUESTION}])
    return (longer.read or 0) > (ask().read or 0) + 5


def _remembered(ask: Asker, word: str) -> bool:
    return bool(ask(**{word: "resp_1"}).text)


_SCHEMA_WORDS = {
    CHAT: "response_format",
    COMPLETIONS: "json_schema",
    RESPONSES: "text.format",
    MESSAGES: "output_config.format",
}
_TOOL_WAYS = {CHAT: "tools", RESPONSES: "tools", MESSAGES: "tools"}
FEATURES = (
    Feature("streaming", _streamed, everywhere("stream")),
    Feature("cancelling: who hangs up is not computed for", _given_up, everywhere("stream")),
    Feature("counts of tokens", _counted, everywhere("usage")),
    Feature(
        "counts of tokens in a stream",
        _counted_in_a_stream,
        everywhere("stream_options", responses="usage", messages="usage"),
    ),
    Feature("count of tokens from the cache", _cached, everywhere("usage")),
    Feature("longest answer", _limited, everywhere("max_tokens", responses="max_output_tokens")),
    Feature("longest answer, newer name", _limited, {CHAT: "max_completion_tokens"}),
    Feature("texts that end the answer", _stopped, everywhere("stop", messages="stop_sequences")),
    Feature("temperature", _tempered, everywhere("temperature")),
    Feature("only the likeliest that make up a share", _narrowed(0.01), everywhere("top_p")),
    Feature("only so many candidates", _narrowed(1), everywhere("top_k")),
    Feature("only candidates of some likelihood", _narrowed(1.0), everywhere("min_p")),
    Feature("seed: the same answer again", _seeded, everywhere("seed")),
    Feature("penalty for what was said", _penalized(20), everywhere("presence_penalty")),
    Feature("penalty for how often it was said", _penalized(20), everywhere("frequency_penalty")),
    Feature("llama.cpp's own penalty", _penalized(3), everywhere("repeat_penalty")),
    Feature("tokens that are wanted, or not", _biased, everywhere("logit_bias")),
    Feature("log probabilities", _logprobs, everywhere("logprobs", responses="include", messages="")),
    Feature("several answers", _several, everywhere("n", messages="")),
    Feature("grammar (GBNF)", _grammar, everywhere("grammar")),
    Feature("JSON by a schema", _schema, _SCHEMA_WORDS),
    Feature("JSON by a schema, the field of chats", _schema, {RESPONSES: "response_format"}),
    Feature("any JSON object", _object, {CHAT: "response_format", RESPONSES: "text.format"}),
    Feature("tools", _called, _TOOL_WAYS),
    Feature("tools in a stream", _called_in_a_stream, {CHAT: "tools", MESSAGES: "tools"}),
    Feature("a tool must be called", _forced, everywhere("tool_choice", completions="")),
    Feature("no tool may be called", _forbidden, everywhere("tool_choice", completions="")),
    Feature("a tool's result", _answered, _TOOL_WAYS),
    Feature("pictures, where the model sees", _seen, {CHAT: "image_url", RESPONSES: "input_image", MESSAGES: "image"}),
    Feature("instructions", _instructed, {CHAT: "system", RESPONSES: "instructions", MESSAGES: "system"}),
    Feature("instructions, newer name", _instructed, {CHAT: "developer", RESPONSES: "developer"}),
    Feature("going on from an earlier answer", _remembered, {RESPONSES: "previous_response_id"}),
)
