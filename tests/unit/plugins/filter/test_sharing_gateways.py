# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.filter.sharing_gateways import sharing_gateways
from ansible_collections.hearth.llm.plugins.module_utils._served_names import identifier


def test_each_gateway_is_told_where_it_looks_and_asked_where_it_tells() -> None:
    everybody = {"door": {"hearth_directory": "/srv/hearth", "gateway_metrics_port": 9404}, "other": {}}
    door, other = sharing_gateways(["door", "other"], everybody, "gpu 1", 5, {"a/b": {}})
    assert door["directory"] == "/srv/hearth/run/leaving"
    assert door["metrics_url"] == "http://127.0.0.1:9404/metrics"
    assert (other["name"], other["directory"], other["timeout"]) == ("other", "/var/lib/hearth/run/leaving", 5)
    assert door["models"] == other["models"] == [identifier("a/b")]
    assert door["mark"] == other["mark"] != "gpu 1"
