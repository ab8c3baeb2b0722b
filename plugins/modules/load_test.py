#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions at the same time, and what became of each."""

from __future__ import annotations

DOCUMENTATION = r"""
module: load_test
short_description: Ask served models as many users would, and write down what became of each request
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks models through the gateway, or workspaces of AnythingLLM, as O(profile) says, by streaming, and writes one line for each request into O(directory)
    in the moment in which it ends. What is interrupted keeps what it has measured.
  - An open loop (V(open)) sends each request when its schedule says so, whatever has come back by then. Each line has the moment for which a request was
    planned, so that the time that it waited to be sent is not lost.
  - Beside the requests it writes what the host does each second, and what the engines have counted before and after.
  - It writes no figures; these are another's work, who reads the directory.
  - The same profile asks the same, of the same users, after the same pauses, each time.
  - No proxy is used. Ctrl-C, the end of the playbook, SIGTERM and SIGHUP end a run; what is on its way then is noted as V(interrupted).
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
    details: Everything is judged, and nothing is asked or written.
  diff_mode:
    support: none
    details: What it writes was not there before.
  idempotent:
    support: none
    details: A directory that holds a run is refused.
options:
  url:
    description:
      - Base of the API, up to where C(/chat/completions) follows. For AnythingLLM its address, up to where C(/api/v1) follows.
      - The certificate has to be for the name in it, also with O(connect_to).
    type: str
    required: true
  connect_to:
    description: Connect to this C(address) or C(address:port), whatever the name in O(url) resolves to.
    type: str
  ca_file:
    description: Certificates of further authorities to trust, a PEM file or a directory of them on the host that asks.
    type: path
  api_key:
    description: The key that is sent. It stands in no file and in no command line.
    type: str
  api_key_name:
    description: What the key is called, as the lines name it.
    type: str
    default: ""
  through:
    description: Whom is asked, the API of the gateway or workspaces of AnythingLLM.
    type: str
    choices: [gateway, anythingllm]
    default: gateway
  directory:
    description: Where the lines are written, on the host that asks. It is made where it is missing, and refused where it holds a run.
    type: path
    required: true
  profile:
    description:
      - What is asked, how often and when. A key that is not known is refused.
      - C(kind) is V(closed) (each of C(users) asks again when it was answered and has paused), V(open) (C(rate) requests a second, C(arrivals)
        V(poisson) or V(even), at most C(in_flight) of them at the same time), V(sweep) (closed, with each number of users of C(concurrency) after the
        other, until a limit of C(until) is broken), or V(serial) (each prompt to each model C(requests) times in a row; the first is of the series
        V(cold), others V(warm)).
      - C(requests) and C(seconds) bound it, and are both required. C(requests) are those of each user, and of an open loop those of all. C(seconds) do
        not count C(warm_up). A step of a sweep takes C(step_seconds) at most. What is on its way at the end may take C(drain) more, C(timeout) by
        default.
      - C(models) are served names, asked in turn. C(workspaces) is a list of slugs, or by slug the model that answers for it.
      - C(prompts) is a list (of texts, or of dictionaries with C(prompt), C(model) and C(workspace)), V(questions) or V(same) (shipped), the path of a
        CSV file on the controller with the columns C(prompt,workspace), or C(words) and C(count) of made ones. A file of which more than a tenth of the
        rows cannot be read is refused. C(order) is V(in_turn), V(random), or V(once) (each is asked once, dealt out among the users).
      - C(fresh) makes each prompt new to a cache of prompts. A V(serial) one does so by itself, for each prompt once.
      - C(pause) is a number of seconds, or C(mean), C(min), C(max) and C(distribution) (V(exponential), V(uniform) or V(fixed)).
      - C(task) (V(chat), V(embedding)), C(max_tokens), C(body) (further keys of each request), C(timeout) (seconds for one request), C(retries) (0 unless
        said), C(warm_up) (how often each model is asked before it counts), C(seed), C(name).
    type: dict
    required: true
  engines:
    description: Engines that are asked for what they have counted. One that does not answer fails nothing, and RV(unread) says why.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What it is called in C(engines.json), such as the instance of a model.
        type: str
        required: true
      url:
        description: Address of its C(/metrics).
        type: str
      socket:
        description: Unix socket at which it answers to C(/metrics).
        type: path
      key:
        description: The key that it wants.
        type: str
  running:
    description: What is being measured, as it shall stand in C(run.json).
    type: dict
    default: {}
  traces:
    description: Whether to write down each second what the host that asks does.
    type: bool
    default: true
seealso:
  - module: hearth.llm.completion_probe
"""

EXAMPLES = r"""
- name: Ask as three users would, each twenty times
  hearth.llm.load_test:
    url: https://llm.example.org/v1
    ca_file: /etc/hearth/ca.pem
    api_key: "{{ lookup('hearth.llm.secret', 'api_keys/measure') }}"
    api_key_name: measure
    directory: /var/lib/hearth/measurements/2026-12-01
    profile:
      kind: closed
      users: 3
      requests: 20
      seconds: 600
      prompts: same
      models:
        - chat
  register: measured
"""

RETURN = r"""
directory:
  description: Where the lines are.
  returned: success
  type: str
planned:
  description: How many requests the plan has.
  returned: success
  type: int
ended:
  description: How many of them were sent and have ended, without those that only warm up.
  returned: when it ran
  type: int
failures:
  description: How many of these were not answered well.
  returned: when it ran
  type: int
errors:
  description: How many by kind.
  returned: when it ran
  type: dict
  sample:
    timeout: 2
seconds:
  description: How long it took.
  returned: when it ran
  type: float
ended_by:
  description: V(plan), V(time) or V(interrupt).
  returned: when it ran
  type: str
stopped_at:
  description: Step at which a sweep broke a limit, and which.
  returned: when it ran
  type: str
  sample: "concurrency 16: ttft_p95_ms 2317 > 2000"
driver:
  description: >-
    Seconds that the module itself has computed, and how late it was. C(late) is that of requests after they were due, C(loop_late) that of all it does.
  returned: when it ran
  type: dict
left_out:
  description: Rows of the file of prompts that cannot be asked.
  returned: success
  type: list
  elements: str
unread:
  description: By engine why it does not say what it has counted.
  returned: when it ran
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._load import run as load
from ansible_collections.hearth.llm.plugins.module_utils._load.wire import Door
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "url": {"type": "str", "required": True},
        "connect_to": {"type": "str"},
        "ca_file": {"type": "path"},
        "api_key": {"type": "str", "no_log": True},
        "api_key_name": {"type": "str", "default": "", "no_log": False},
        "through": {"type": "str", "choices": list(load.THROUGH), "default": "gateway"},
        "directory": {"type": "path", "required": True},
        "profile": {"type": "dict", "required": True},
        "engines": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "url": {"type": "str"},
                "socket": {"type": "path"},
                "key": {"type": "str", "no_log": True},
            },
        },
        "running": {"type": "dict", "default": {}},
        "traces": {"type": "bool", "default": True},
    }


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    wanted = load.Wanted(
        door=Door(params["url"].rstrip("/"), params["connect_to"], params["ca_file"]),
        profile=params["profile"],
        directory=params["directory"],
        through=params["through"],
        api_key=params["api_key"],
        key_name=params["api_key_name"],
        engines=params["engines"],
        running=params["running"],
        traces=params["traces"],
    )
    plan = load.judged(wanted)
    if check_mode:
        left_out = list(plan.profile.prompts.left_out)
        return {"changed": True, "directory": wanted.directory, "planned": plan.planned, "left_out": left_out}
    told = load.execute(wanted, plan)
    # Of a result, Ansible takes `failed` for the task's own end.
    return {"changed": True, "failures": told.pop("failed"), **told}


def main() -> None:
    run_module(lambda module: run(module.params, check_mode=module.check_mode), argument_spec())


if __name__ == "__main__":
    main()
