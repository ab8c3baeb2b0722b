# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_measurements: what is measured, and what was promised."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.hearth.llm.plugins.module_utils._description.keys import KEY_NAME
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Key,
    ListOf,
    MapOf,
    Number,
    Record,
    Text,
    Typed,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.names import correction, known, names_of
from ansible_collections.hearth.llm.plugins.module_utils._description.special import ControllerPath

# In the place of a served name: what is promised of every model.
ALL = "all"

SLA = Record(
    Key(
        "ttft_p95_ms",
        Whole("milliseconds", most=3_600_000),
        "nineteen of twenty requests have their first token within it, their wait included",
        default="not judged",
        also=("ttft", "ttft_ms", "first_token_ms", "p95_ttft_ms"),
    ),
    Key(
        "itl_p95_ms",
        Whole("milliseconds", most=3_600_000),
        "nineteen of twenty pauses between two tokens are shorter",
        default="not judged",
        also=("itl", "itl_ms", "tpot_ms", "p95_itl_ms"),
    ),
    Key(
        "latency_p95_ms",
        Whole("milliseconds", most=36_000_000),
        "nineteen of twenty requests have their last token within it, their wait included",
        default="not judged",
        also=("latency", "latency_ms", "p95_latency_ms", "total_ms"),
    ),
    Key(
        "error_rate",
        Number(0, 1),
        "the share of requests that may fail, or take longer than the profile waits",
        default="not judged",
        also=("errors", "error_share", "failures"),
    ),
    words="a dictionary with ttft_p95_ms, itl_p95_ms, latency_p95_ms and error_rate",
)

MEASUREMENTS = (
    Key(
        "hearth_measurements",
        Record(
            Key(
                "profile",
                Text(
                    "the name of a profile",
                    pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
                    rule="use at most 64 letters, digits, '_' and '-'",
                    example="smoke",
                ),
                "how it is asked: `smoke`, `sweep`, `soak`, `shop_series_1` to `_3`, or one of `load_test_profiles`",
                value="smoke",
                also=("name", "kind"),
            ),
            Key(
                "models",
                ListOf(
                    Text("a served name"),
                    words="a list of served names",
                    empty="nothing would be asked; name a model, or leave models out",
                ),
                "served names of the models that are asked",
                default="all that are loaded at the start and that the key may use",
                also=("model",),
            ),
            Key(
                "key",
                KEY_NAME,
                "one of hearth_api_keys, by its name, with which it is asked",
                default="`measure` where there is such a key, else the first whose text is known",
                also=("api_key", "key_name"),
            ),
            Key(
                "from",
                Text("a host of the inventory"),
                "the host that asks",
                default="the controller",
                also=("host", "client"),
            ),
            Key(
                "sla",
                MapOf(
                    Text("a served name, or all"),
                    SLA,
                    words="a dictionary of served names, each with what is promised",
                    empty="nothing is promised; name a model, or leave sla out",
                ),
                "what is promised: served name, or `all` → the limits; a run that breaks one fails",
                default="nothing",
                also=("slo", "limits"),
            ),
            words="a dictionary with profile, models, key, from and sla",
        ),
        "what `measure.yml` asks, and what is promised ([measuring.md](measuring.md))",
        default="the profile smoke, and no promise",
    ),
    Key(
        "hearth_measurements_directory",
        ControllerPath(".measurements", own=True),
        "what `measure.yml` writes lies below it, on the controller",
        default="{{ inventory_dir }}/.measurements",
    ),
)


def of_measurements(described: Typed) -> Iterator[str]:
    """Models that lead nowhere. Keys are judged where it is known which of them has a text here."""
    measured = described.get("hearth_measurements", Typed())
    models = names_of(described, "hearth_models")
    if models is not None:
        for model in measured.get("models", []):
            if model not in models:
                yield f"hearth_measurements.models: {model} is not in hearth_models, which has {known(models)}: {correction(model, models)}."
        for model in measured.get("sla", {}):
            if model != ALL and model not in models:
                yield (
                    f"hearth_measurements.sla: {model} is not in hearth_models, which has {known(models)}: {correction(model, models)}, or write all for every "
                    "model."
                )
