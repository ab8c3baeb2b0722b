# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_openings import firewall_openings
from ansible_collections.hearth.llm.plugins.plugin_utils._firewall_ufw_rules import firewall_ufw_rules

OPENINGS = firewall_openings(
    [
        {"port": 22, "sources": ["0.0.0.0/0", "::/0"]},
        {"port": "80-81", "sources": ["10.0.0.7", "fd00::/8"], "comment": "web"},
        {"port": 8080, "sources": ["10.212.1.1/32"], "interface": "hearth", "comment": "engine"},
    ],
    [],
)


def test_each_rule_reads_as_ufw_will_show_it() -> None:
    assert [rule["line"] for rule in firewall_ufw_rules(OPENINGS)] == [
        "allow 22/tcp comment 'hearth.llm'",
        "allow 22/tcp comment 'hearth.llm'",
        "allow from 10.0.0.7 to any port 80:81 proto tcp comment 'hearth.llm web'",
        "allow from fd00::/8 to any port 80:81 proto tcp comment 'hearth.llm web'",
        "allow in on hearth from 10.212.1.1 to any port 8080 proto tcp comment 'hearth.llm engine'",
    ]


def test_what_others_have_opened_is_left_to_them() -> None:
    rules = firewall_ufw_rules(OPENINGS, ["allow 22/tcp comment 'mine'", "allow 80"])
    assert {rule["to_port"] for rule in rules} == {"80:81", "8080"}
