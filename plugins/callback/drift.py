# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what a dry run would change, for `drift.yml`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drift
type: notification
short_description: Write down what a dry run would change
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Does nothing but in a run that M(hearth.llm.drift_report) has begun, such as that of the playbook C(hearth.llm.drift). From then on it keeps each task that
    would change something, with what it tells of before and after, and at the end of the run, however it ends, writes the reports.
  - What tasks hide (C(no_log)) is not in the reports.
requirements:
  - To be named in C(callbacks_enabled) of C(ansible.cfg)
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = hearth.llm.drift
"""

import time
from pathlib import Path
from typing import Any

from ansible.playbook.handler import Handler
from ansible.plugins.callback import CallbackBase
from ansible_collections.hearth.llm.plugins.plugin_utils._drift import report
from ansible_collections.hearth.llm.plugins.plugin_utils._drift.record import RUNNING, Record, finding

REPORT = "hearth.llm.drift_report"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "hearth.llm.drift"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._record: Record | None = None

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action == REPORT and result.result.get("state") == "began":
            self._record = Record(Path(result.result["directory"]), _now())
            self._record.keep()
        elif not isinstance(result.result.get("results"), list) or result.task.loop is None:
            self._note(result)
        else:
            # Its items were told before.
            self._seen(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self._record and not ignore_errors and result.task.action != REPORT:
            told = " ".join(str(result.result.get("msg") or "it failed").split())
            self._record.of(result.host.get_name()).ended_by = f"{_name(result)}: {told}"
            self._record.keep()

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if self._record:
            host = self._record.of(result.host.get_name())
            host.is_reached, host.ended_by = False, " ".join(str(result.result.get("msg", "")).split())
            self._record.keep()

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002
        if self._record:
            report.write(self._record.directory, self._record.began, _now(), time.time(), self._record.told())
            (self._record.directory / RUNNING).unlink(missing_ok=True)

    def _note(self, result: Any) -> None:
        # A handler would only bring what was changed into effect.
        if self._record and result.result.get("changed") and not isinstance(result.task, Handler):
            found = finding(_name(result), result.task.action, result.result)
            self._record.of(result.host.get_name()).findings.append(found)
            self._record.keep()
        else:
            self._seen(result)

    def _seen(self, result: Any) -> None:
        # The controller is no host of the service, but where it is one.
        if self._record and result.task.action != REPORT:
            self._record.of(result.host.get_name())


def _name(result: Any) -> str:
    return str(result.task.get_name()).strip()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
