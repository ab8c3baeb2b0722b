#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a measurement, files of the controller. The work is done by the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: measurement_report
short_description: Make figures, a verdict and a folder of evidence of the rows of a measurement
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads what a load test has written, one row for each request, and reckons of it what can be said, each figure with the number of values that it is of and
    with its interval. What the rows do not carry is not told, and the report says why.
  - Judges limits as holding, broken, or not to be told, and compares with earlier runs.
  - Writes one folder, C(index.html) (one page that needs nothing else), C(report.md), C(results.md), C(requests.csv), C(performance_metrics.csv),
    C(figures.json), C(junit.xml), the rows themselves in C(raw), and C(SHA256SUMS) of them all. The same rows give the same folder, to the byte.
  - A broken limit is no failure of this module. Assert RV(passed) where it is to be one.
  - Runs on the controller, and connects to nothing.
extends_documentation_fragment: [hearth.llm.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Names the files that are written.
  idempotent:
    support: full
options:
  raw:
    description: The folder on the controller that the measurement was written to, with C(requests.jsonl) and, where they are there,
      C(run.json), C(traces.jsonl) and C(engines.json). A folder of evidence is as good.
    type: path
    required: true
  directory:
    description: The folder of the evidence, on the controller. It is made when it is missing; files of other names in it stay.
    type: path
    required: true
  sla:
    description:
      - What is to hold in each part of the run. V(ttft_p95_ms), V(itl_p95_ms) and V(latency_p95_ms) are milliseconds that 95 % may take at most to the first
        token, between two pieces and to the last token; V(p50), V(p90) and V(p99) may stand for V(p95). V(error_rate) is the share of requests that may fail.
      - With V(error_rate) 0 the limit speaks of the requests of this run, for that nothing ever fails no number of requests can prove.
      - V(models) has limits of single models, by their served names, instead of those for all.
      - Of a sweep, the first number of requests at a time decides.
    type: dict
    default: {}
  baseline:
    description: Folders of earlier runs of the same profile, on the controller. With three or more, what runs differ by is learnt from them.
    type: list
    elements: path
    default: []
  title:
    description: What the report is called. Without it, by its profile and its beginning.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Make the evidence of the last run
  hearth.llm.measurement_report:
    raw: /srv/evidence/2026-11-30/raw
    directory: /srv/evidence/2026-11-30
    sla:
      ttft_p95_ms: 800
      error_rate: 0.01
      models:
        coder:
          ttft_p95_ms: 2000
    baseline: [/srv/evidence/2026-11-01]
  register: evidence

- name: Fail where it is too slow
  ansible.builtin.assert:
    that: evidence.passed
    fail_msg: "{{ evidence.reasons | join(' ') }}"
"""

RETURN = r"""
verdict:
  description: How it is. V(holds) where all that was judged holds and nothing is slower, V(broken) where a limit surely is or all requests failed,
    V(slower) where it surely is slower than before or fails more often, V(cannot tell) where there are too few values.
  type: str
  returned: success
  sample: holds
passed:
  description: Whether the verdict is V(holds).
  type: bool
  returned: success
reasons:
  description: Why, each a sentence.
  type: list
  elements: str
  returned: success
  sample: ["ttft_p95_ms 800 of chat in users is broken: 31 of 240 requests took longer than 800 ms to the first token."]
lines:
  description: The figures with their intervals, and the verdict, for a screen.
  type: list
  elements: str
  returned: success
concurrency:
  description: Of a sweep with limits, for each model, the largest number of requests at a time up to which they hold, and the first that surely breaks one.
  type: dict
  returned: success
  sample: {chat: {holds: 8, breaks: 32, levels: [1, 2, 4, 8, 16, 32]}}
comparison:
  description: What was compared with the baseline, part by part.
  type: list
  elements: dict
  returned: success
  sample: [{series: users, model: chat, figure: ttft, verdict: slower, effect: 1.21, low: 1.08, high: 1.35}]
figures:
  description: The figures of each part and model, in seconds and tokens.
  type: list
  elements: dict
  returned: success
  sample: [{series: users, model: chat, requests: {n: 240, succeeded: 240}, figures: {ttft: {n: 240, mean: {value: 0.31, low: 0.30, high: 0.32}}}}]
directory:
  description: The folder of the evidence.
  type: str
  returned: success
  sample: /srv/evidence/2026-11-30
files:
  description: The files of the evidence. In a dry run they are not written.
  type: list
  elements: str
  returned: success
  sample: [/srv/evidence/2026-11-30/index.html]
"""
