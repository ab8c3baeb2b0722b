# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans how models share a machine's memory, before a byte of them is fetched.

`sources` reads the headers, wherever the models are. `gguf_facts` and `hub_facts` take from them what needs memory, `settings` from the
description how the model is to be served. `llama_cpp` and `vllm` say how many bytes that takes on each device, `machine` what there is of them,
`planner` who goes where, `caches` what may grow, `remedies` what else would fit, `report` tells it. PRIVATE to the collection.
"""
