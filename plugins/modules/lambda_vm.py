#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine at Lambda, and the SSH key that it was made with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_vm
short_description: Make or take away a virtual machine at Lambda
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Makes one virtual machine with a GPU at Lambda, with an SSH key of its own, and takes both away.
  - The machine is known by its name. One that is there is never changed; where it is not as described, the module fails and says so.
  - Lambda's launch cannot be repeated safely, so it is asked for once. A run that is cut off after it finds the machine the next time.
extends_documentation_fragment:
  - hearth.llm.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  api_url:
    description: Base of Lambda's API.
    type: str
    default: https://cloud.lambda.ai/api/v1
  api_key:
    description: The key for Lambda's API.
    type: str
    required: true
  name:
    description: Name of the machine and of its SSH key, up to 64 characters.
    type: str
    required: true
  state:
    description: With V(present) the machine is there and active. With V(absent) it and its SSH key are gone.
    type: str
    choices: [present, absent]
    default: present
  machine_type:
    description: Lambda's name for the kind of machine, such as V(gpu_1x_a10). Needed with O(state=present).
    type: str
  region:
    description: The region, such as V(us-east-1). Needed with O(state=present).
    type: str
  image_family:
    description: The family of which the newest image is taken. Lambda's own choice by default.
    type: str
  public_key:
    description: The public half of the key to log in with. Needed with O(state=present), but for a dry run.
    type: str
  user_data:
    description: What cloud-init is told at the first start.
    type: str
  tags:
    description: Tags of the machine.
    type: dict
    default: {}
  highest_hourly_price:
    description: What may be paid for the machine, USD an hour. Nothing is launched that Lambda asks more for.
    type: float
    required: true
  wait_seconds:
    description: For how long to wait until the machine is active, or gone, seconds.
    type: float
    default: 900
"""

EXAMPLES = r"""
- name: Have a machine with an A10
  hearth.llm.lambda_vm:
    api_key: "{{ lookup('ansible.builtin.env', 'LAMBDA_API_KEY') }}"
    name: llm
    machine_type: gpu_1x_a10
    region: us-east-1
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
    highest_hourly_price: 1.5
  register: machine

- name: Take it away
  hearth.llm.lambda_vm:
    api_key: "{{ lookup('ansible.builtin.env', 'LAMBDA_API_KEY') }}"
    name: llm
    state: absent
    highest_hourly_price: 0
"""

RETURN = r"""
machine:
  description: The machine. Empty where there is none, as in a dry run that would make it.
  type: dict
  returned: success
  contains:
    id:
      description: Lambda's name for it.
      type: str
      returned: always
      sample: 0920582c7ff041399e34823a0be62549
    address:
      description: Its IPv4 address.
      type: str
      returned: always
      sample: 198.51.100.7
    machine_type:
      description: The kind of machine.
      type: str
      returned: always
      sample: gpu_1x_a10
    region:
      description: The region.
      type: str
      returned: always
      sample: us-east-1
    status:
      description: Lambda's word for its state.
      type: str
      returned: always
      sample: active
hourly_price:
  description: What Lambda asks for a machine of this kind, USD an hour. Null with O(state=absent).
  type: float
  returned: success
  sample: 1.29
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client
from ansible_collections.hearth.llm.plugins.module_utils._lambda import Keys, Lambda, Machines
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._reconcile import Outcome, reconcile

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "api_url": {"type": "str", "default": "https://cloud.lambda.ai/api/v1"},
        "api_key": {"type": "str", "required": True, "no_log": True},
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "machine_type": {"type": "str"},
        "region": {"type": "str"},
        "image_family": {"type": "str"},
        "public_key": {"type": "str", "no_log": False},
        "user_data": {"type": "str", "no_log": True},
        "tags": {"type": "dict", "default": {}},
        "highest_hourly_price": {"type": "float", "required": True},
        "wait_seconds": {"type": "float", "default": 900},
    }


def run(params: Mapping[str, Any], cloud: Lambda, *, check_mode: bool) -> dict[str, Any]:
    name, present = params["name"], params["state"] == "present"
    if present and not check_mode and not params["public_key"]:
        raise InputError("public_key: without one nobody could log in. Give the public half of your SSH key.")
    keys = Keys(cloud, name)
    machines = Machines(cloud, name, params)
    described = {name: {field: params[field] for field in ("machine_type", "region")} if present else None}
    key = {name: {"public_key": keys.core(params["public_key"])} if present else None}
    # A machine needs its key, and a key that a machine was made with must not go before it.
    steps = [(keys, key), (machines, described)]
    outcomes = [reconcile(kind, wanted, check_mode=True) for kind, wanted in steps]
    if not check_mode:
        outcomes = [
            reconcile(kind, wanted, check_mode=False) for kind, wanted in (steps if present else reversed(steps))
        ]
        if present:
            machines.await_active()
    return {**_together(outcomes), "machine": machines.now(), "hourly_price": machines.price if present else None}


def _together(outcomes: list[Outcome]) -> dict[str, Any]:
    shown = [(outcome.plan.changes[0].verb, outcome.result()["diff"]) for outcome in outcomes if outcome.changed]
    return {
        "changed": bool(shown),
        "diff": [{**diff, "before_header": verb, "after_header": verb} for verb, diff in shown],
    }


def _rent(module: HearthModule) -> dict[str, Any]:
    with Client() as client:
        cloud = Lambda(module.params["api_url"], module.params["api_key"], client)
        return run(module.params, cloud, check_mode=module.check_mode)


def main() -> None:
    run_module(
        _rent,
        argument_spec(),
        required_if=[("state", "present", ("machine_type", "region"))],
    )


if __name__ == "__main__":
    main()
