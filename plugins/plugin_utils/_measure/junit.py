# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict for a CI: a case for each limit and each comparison, skipped where it cannot be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ansible_collections.hearth.llm.plugins.plugin_utils._measure import comparison, sla
from ansible_collections.hearth.llm.plugins.plugin_utils._measure.verdict import EXIT

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(document: Mapping[str, Any]) -> str:
    suite = ElementTree.Element("testsuite", name=_plain(document["title"]))
    _case(suite, "measurement", "the whole run", document["verdict"], " ".join(document["reasons"]))
    first = {model: min(told["levels"]) for model, told in document["concurrency"].items()}
    for one in document["limits"]:
        # The levels of a sweep above the first are there to break.
        beyond = sla.level(one["series"]) not in (None, first.get(one["model"]))
        verdict = sla.UNKNOWN if beyond and one["verdict"] == sla.BROKEN else one["verdict"]
        _case(suite, f"{one['series']}.{one['model']}", f"{one['rule']} {one['limit']:g}", verdict, one["words"])
    for one in document["comparison"]:
        _case(suite, f"{one['series']}.{one['model']}", f"{one['figure']} as before", one["verdict"], one["words"])
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    suite.set("errors", "0")
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, group: str, name: str, verdict: str, words: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_plain(group), name=_plain(name))
    known = {**EXIT, comparison.SAME: 0, comparison.FASTER: 0}[verdict]
    if known:
        ElementTree.SubElement(case, "failure" if known == 1 else "skipped", message=_plain(f"{verdict}: {words}"))


def _plain(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
