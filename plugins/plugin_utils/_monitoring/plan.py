# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files for Prometheus and Grafana. PRIVATE to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.dashboard import dashboard
from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.rules import rules
from ansible_collections.hearth.llm.plugins.plugin_utils._monitoring.targets import Host, targets

RULES = "hearth.rules.yml"


def monitoring_plan(
    hosts: Sequence[Host], name: str, limits: Mapping[str, Any], prometheus_host: str = "", key_file: str = ""
) -> dict[str, Any]:
    """What stands in each file, and what is not watched, each a sentence."""
    # Values of a play carry Ansible's tags, which are nothing for a file.
    plain = json.loads(json.dumps([dict(host) for host in hosts]))
    found = targets(plain, prometheus_host=str(prometheus_host), key_file=str(key_file))
    prometheus = {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [RULES],
        "scrape_configs": found.jobs,
    }
    return {
        "prometheus": prometheus,
        "rules": {"groups": [{"name": "hearth", "rules": rules(found, limits)}]},
        "dashboard": dashboard(found, str(name)),
        "left_out": found.left_out,
    }
