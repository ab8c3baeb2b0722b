# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the options and the environment that an engine is given: each finding a sentence with its remedy."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Collection, Iterator, Mapping

from ansible_collections.hearth.llm.plugins.module_utils._engine_options.names import canonical
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.option_list import Option, OptionList
from ansible_collections.hearth.llm.plugins.module_utils._engine_options.value import why_not

# Variables of the libraries below the engines: no list of an engine names them.
_FOREIGN = re.compile(
    r"(CUDA|GGML|NCCL|NVIDIA|HF|TRANSFORMERS|TOKENIZERS|TORCH|TORCHINDUCTOR|PYTORCH|TRITON|FLASHINFER|OMP|MKL|KMP|OPENBLAS|OTEL"
    r"|PYTHON|LD|LC|XDG|MALLOC|RAY|SAFETENSORS|SSL)_\w+|HOME|LANG|PATH|TMPDIR|TZ|DO_NOT_TRACK|USER|LLAMA_CACHE|(?:HTTPS?|NO)_PROXY",
    re.IGNORECASE,
)
_SECRET = re.compile(r"(^|_)(API_)?(KEY|TOKEN|SECRET|PASSWORD)$")
_PREFIXES = ("VLLM_", "LLAMA_ARG_", "LLAMA_")


def option_findings(
    known: OptionList, given: Mapping[str, Any], *, owned: Mapping[str, str], misnomers: Mapping[str, str]
) -> Iterator[str]:
    """`owned` names the options that are not for users, with the reason; `misnomers` what is often meant by a wrong name."""
    first: dict[Option, str] = {}
    for written, value in given.items():
        name = canonical(written)
        if name in known.unsure:
            # Whatever the build has.
            if name in owned:
                yield f"'{written}' is not for options: {owned[name]}."
            continue
        option = known.by_name.get(name)
        if option is None and _is_part(name, known):
            continue
        if option is None:
            yield f"'{written}' is no option of {known.title}{_instead(name, known, misnomers)}."
        elif first.setdefault(option, written) != written:
            yield f"'{written}' and '{first[option]}' are one option of {known.title}: give one of them."
        else:
            wrong = _what_is_wrong(option, value, known, owned)
            if wrong:
                yield f"'{written}' {wrong}."


def _is_part(name: str, known: OptionList) -> bool:
    """vLLM takes a field of an object as `name.field`."""
    whole = known.by_name.get(name.partition(".")[0])
    return "." in name and whole is not None and whole.kind == "json"


def _what_is_wrong(option: Option, value: Any, known: OptionList, owned: Mapping[str, str]) -> str:
    if option.removed:
        return f"is refused by {known.title}: {option.removed.rstrip('.')}"
    for name in option.names:
        if name in owned:
            return f"is not for options: {owned[name]}"
    return why_not(option, value)


def environment_findings(
    known: OptionList, environment: Mapping[str, Any], *, misnomers: Mapping[str, str]
) -> Iterator[str]:
    for name in environment:
        if _SECRET.search(name):
            yield (
                f"the variable {name} carries a secret, and everybody who may look at the service sees its environment: "
                f"{misnomers.get(name, 'secrets are handed over as files')}."
            )
        elif name not in known.environment and not _FOREIGN.fullmatch(name):
            yield f"the variable {name} is read by nothing in {known.title}{_variable_instead(name, known, misnomers)}."


def _instead(name: str, known: OptionList, misnomers: Mapping[str, str]) -> str:
    if name in misnomers:
        return f": {misnomers[name]}"
    near = nearest(name, _long_names(known))
    return f"; the nearest is '{near}'" if near else ""


def _long_names(known: OptionList) -> list[str]:
    """`ctx` is short for ctx-size, and not a slip of the pen for ctxcp."""
    return [name for name, option in known.by_name.items() if name == option.names[0] or len(name) > 5]


def _variable_instead(name: str, known: OptionList, misnomers: Mapping[str, str]) -> str:
    if name in misnomers:
        return f": {misnomers[name]}"
    bare = next((name[len(prefix) :] for prefix in _PREFIXES if name.startswith(prefix)), name)
    option = canonical(bare.lower())
    if option in known.by_name:
        return f": it is the option '{option}'"
    variable, near = nearest(name, known.environment), nearest(option, _long_names(known))
    # A variable that differs by a letter was meant; otherwise an option is the likelier.
    if variable and get_close_matches(name, [variable], cutoff=0.9):
        return f"; the nearest is {variable}"
    if near:
        return f"; the nearest is the option '{near}'"
    return f"; the nearest is {variable}" if variable else ""


def nearest(name: str, names: Collection[str]) -> str:
    """The name that is spelled most alike, or that is made of the same words; empty where there is none."""
    close = get_close_matches(name, names, n=1, cutoff=0.72)
    if close:
        return str(close[0])
    words = set(re.split("[-_]", name))
    shared = {
        other: len(words & set(re.split("[-_]", other))) / len(words | set(re.split("[-_]", other))) for other in names
    }
    best = max(shared, key=lambda other: shared[other], default="")
    return best if shared.get(best, 0) >= 0.5 else ""
