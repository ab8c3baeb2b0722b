# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says now and then which task is still at work, so that nobody takes a long silence for a hang.

Lines come from a small process of its own, since Ansible forks its workers: a thread here could hold a lock at that moment, which the worker would
then wait for in vain. The process ends with its standard input.
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: still_working
type: notification
short_description: Say now and then which task is still at work
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Installing from a lock, pulling an image or embedding documents takes minutes in which Ansible shows nothing. With this plugin each task that takes
    longer than O(after_seconds) is named on standard error, with the hosts that have not finished and the time it has taken so far.
  - Tasks of M(hearth.llm.model) are left out; they show their own progress.
options:
  after_seconds:
    description: How long a task is silent before it is named, and how long between two lines, in seconds. V(0) turns the lines off.
    type: float
    default: 15
    env:
      - name: HEARTH_STILL_WORKING_SECONDS
    ini:
      - section: callback_still_working
        key: after_seconds
requirements:
  - To be named in C(callbacks_enabled) of C(ansible.cfg)
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = hearth.llm.still_working
"""

import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import RawIOBase
from typing import Any

SHOWN_HOSTS = 3
OWN_PROGRESS = ("hearth.llm.model",)


def main(seconds: float, notes: RawIOBase, write: Callable[[str], Any], look_every: float = 1.0) -> None:
    """The process beside Ansible: is told of beginnings and ends, and names what takes long."""
    working: dict[str, tuple[str, float]] = {}
    told = time.monotonic()
    while True:
        if select.select([notes], [], [], look_every)[0]:
            # Unbuffered, so that what select sees is all that there is.
            line = notes.readline()
            if not line:
                return
            note = json.loads(line)
            if "task" in note:
                working[note["host"]] = (note["task"], time.monotonic())
            else:
                working.pop(note["host"], None)
            continue
        now = time.monotonic()
        slow: dict[str, list[str]] = {}
        for host, (task, began) in working.items():
            if now - max(began, told) >= seconds:
                slow.setdefault(f"still working, {_clock(now - began)}: {task}", []).append(host)
        for text, hosts in slow.items():
            write(f"{text} ({_shown(hosts)})\n")
            told = now


def _shown(hosts: list[str]) -> str:
    more = len(hosts) - SHOWN_HOSTS
    return ", ".join(hosts[:SHOWN_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _tell(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Ctrl-C is for Ansible; this process ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(0, "rb", buffering=0) as standard_input:
        main(float(sys.argv[1]), standard_input, _tell)
else:
    from ansible.plugins.callback import CallbackBase

    class CallbackModule(CallbackBase):
        CALLBACK_VERSION = 2.0
        CALLBACK_TYPE = "notification"
        CALLBACK_NAME = "hearth.llm.still_working"
        CALLBACK_NEEDS_ENABLED = True

        def __init__(self) -> None:
            super().__init__()
            self._teller: subprocess.Popen[bytes] | None = None

        def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002
            seconds = self.get_option("after_seconds")
            if seconds > 0:
                # Ansible closes its standard streams to its children, unless they are named.
                self._teller = subprocess.Popen(
                    [sys.executable, __file__, str(seconds)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=2,
                    bufsize=0,
                )

        def v2_runner_on_start(self, host: Any, task: Any) -> None:
            if task.action not in OWN_PROGRESS:
                self._note(host=host.get_name(), task=task.get_name().strip())

        def v2_runner_on_ok(self, result: Any) -> None:
            self._note(host=result.host.get_name())

        v2_runner_on_skipped = v2_runner_on_unreachable = v2_runner_on_ok

        def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002
            self._note(host=result.host.get_name())

        def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
            if self._teller:
                self._teller.communicate()

        def _note(self, **note: str) -> None:
            if self._teller and self._teller.stdin:
                try:
                    self._teller.stdin.write(json.dumps(note).encode() + b"\n")
                except OSError:
                    # The lines are a courtesy: without that process the run goes on in silence.
                    self._teller = None
