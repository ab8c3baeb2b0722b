# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([])


def tags(*kinds: str) -> list[str]:
    found: list[str] = lookup_loader.get("hearth.llm.room_tags").run(list(kinds), {})
    return found


def test_each_name_stands_alone_and_with_each_phase() -> None:
    assert {"vllm", "vllm_run", "llama_cpp_verify", "verify"} <= set(tags("engines"))
    assert not {tag for tag in tags("engines") if tag.startswith("open_webui")}
    assert {"open_webui", "open_webui_configure", "verify"} <= set(tags("frontends"))


def test_another_kind_is_refused_by_name() -> None:
    with pytest.raises(AnsibleError, match="no rooms of the kind 'gateways': use one of engines, frontends"):
        tags("gateways")
