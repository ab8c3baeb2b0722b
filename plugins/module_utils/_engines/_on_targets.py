# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines that modules on targets know: those whose memory is planned there, and that are asked there what they have."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._engines import llama_cpp, openvino, vllm

ENGINES = {engine.name: engine for engine in (llama_cpp.ENGINE, openvino.ENGINE, vllm.ENGINE)}
