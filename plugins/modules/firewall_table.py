#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own table of nftables, replaced at one stroke, on trial first."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_table
short_description: Keep a table of nftables that is ours, and try it before it is kept
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Keeps the table C(inet hearth), and touches no other. It is compared with what the kernel makes of O(rules), so that a rule that
    somebody took out or put in by hand is seen, and a table that was flushed comes back.
  - Rules are judged by C(nft) itself, in a network of their own, before anything is changed; in check mode, too.
  - New rules are on trial. Unless the module is run with O(state=kept) within O(watchdog_seconds), a timer of systemd puts back the table that
    was there before, and after a restart of the host the kept file counts. So whoever locks himself out has to wait, and nothing worse.
  - Needs root, C(nft), C(unshare) and systemd.
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
  state:
    description:
      - V(trial) loads O(trial_rules) if the kernel has not O(rules), and arms the watchdog.
      - V(kept) puts O(rules) in their place, disarms it and writes O(path). It fails where the watchdog was faster.
      - V(absent) removes the table and the file.
    type: str
    choices: [trial, kept, absent]
    default: trial
  rules:
    description: The table C(inet hearth), as C(nft) reads it. Required unless O(state=absent).
    type: str
  trial_rules:
    description: What is loaded while O(rules) are on trial, such as the same rules without those that let in what is established. O(rules) by default.
    type: str
  path:
    description: The file from which the table is loaded when the host starts.
    type: path
    default: /etc/hearth-firewall.nft
  watchdog_seconds:
    description: After how many seconds rules on trial are taken back.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Try the rules
  hearth.llm.firewall_table:
    rules: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
  register: trial

- name: Come in again
  ansible.builtin.wait_for_connection:
    timeout: 45
  when: trial.on_trial

- name: Keep them
  hearth.llm.firewall_table:
    rules: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
    state: kept
"""

RETURN = r"""
on_trial:
  description: Whether a watchdog waits (or, in check mode, would wait) for O(state=kept).
  type: bool
  returned: success
  sample: true
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._nft_table import (
    PREVIOUS_PATH,
    NftTable,
    document,
    read,
    remove,
    write,
)

if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.hearth.llm.plugins.module_utils._module import HearthModule


def argument_spec() -> dict[str, Any]:
    return {
        "state": {"type": "str", "choices": ["trial", "kept", "absent"], "default": "trial"},
        "rules": {"type": "str"},
        "trial_rules": {"type": "str"},
        "path": {"type": "path", "default": "/etc/hearth-firewall.nft"},
        "watchdog_seconds": {"type": "int", "default": 60},
    }


def run(params: Mapping[str, Any], table: NftTable | None, *, check_mode: bool) -> dict[str, Any]:
    """What the module returns. Without a table there is no nft on this host, which a dry run may find."""
    live = table.live() if table else ""
    watched = bool(table and table.watched())
    if params["state"] == "absent":
        return _absent(params["path"], table, live, watched, check_mode)
    wanted = table.judged(params["rules"]) if table else params["rules"]
    if params["state"] == "trial":
        return _trial(params, table, live, wanted, watched, check_mode)
    return _kept(params, table, live, wanted, check_mode)


def _trial(
    params: Mapping[str, Any], table: NftTable | None, live: str, wanted: str, watched: bool, check_mode: bool
) -> dict[str, Any]:
    if params["watchdog_seconds"] < 20:
        raise InputError(
            f"watchdog_seconds: {params['watchdog_seconds']} is too short to come in again. Give at least 20."
        )
    tried = _tried(params, table, wanted)
    differs = live not in (wanted, tried)
    due = live != wanted or watched
    if due and table and not check_mode:
        table.watch(params["watchdog_seconds"])
        if live != tried:
            table.load(params["trial_rules"] or params["rules"])
    return {"changed": differs, "on_trial": due, "diff": {"before": wanted if live == tried else live, "after": wanted}}


def _tried(params: Mapping[str, Any], table: NftTable | None, wanted: str) -> str:
    return table.judged(params["trial_rules"]) if table and params["trial_rules"] else wanted


def _kept(
    params: Mapping[str, Any], table: NftTable | None, live: str, wanted: str, check_mode: bool
) -> dict[str, Any]:
    before, after = read(params["path"]), document(params["rules"])
    if table and not check_mode:
        # While the watchdog still waits: whoever is cut off here gets back what was there before.
        if live != wanted and live == _tried(params, table, wanted):
            table.load(params["rules"])
        table.unwatch()
        if table.live() != wanted:
            raise HearthError(
                "The rules on trial are not there any more: the watchdog has put back those from before, or somebody else has changed them. "
                "Run this again; if it happens again, give watchdog_seconds more time."
            )
        if before != after:
            write(params["path"], after, 0o640)
    return {"changed": before != after, "on_trial": False, "diff": {"before": before, "after": after}}


def _absent(path: str, table: NftTable | None, live: str, watched: bool, check_mode: bool) -> dict[str, Any]:
    kept = read(path)
    if not check_mode:
        if table and watched:
            table.unwatch()
        if table and live:
            table.load("")
        remove(path)
        remove(PREVIOUS_PATH)
    return {"changed": bool(kept or live or watched), "on_trial": False, "diff": {"before": live or kept, "after": ""}}


def _keep(module: HearthModule) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise HearthError("Only root may change a firewall. Set ansible_become, or connect as root.")
    nft = module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"])
    if not module.check_mode and module.params["state"] != "absent":
        _expect_tools(nft)
    table = NftTable(module.run_command, nft) if nft else None
    return run(module.params, table, check_mode=module.check_mode)


def _expect_tools(nft: str | None) -> None:
    if not nft:
        raise HearthError("There is no nft on this host. Install the package nftables.")
    if not Path("/run/systemd/system").is_dir():
        raise HearthError(
            "systemd does not run this host, and the watchdog needs it: set up the firewall of this host yourself."
        )


def main() -> None:
    run_module(
        _keep,
        argument_spec(),
        required_if=[("state", "trial", ["rules"]), ("state", "kept", ["rules"])],
    )


if __name__ == "__main__":
    main()
