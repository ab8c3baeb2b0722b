# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of M(hearth.llm.open_webui_knowledge): documents that lie on the controller reach the host when they are needed there."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.plugin_utils._documents import DocumentsAction


class ActionModule(DocumentsAction):
    sets = "knowledge"
