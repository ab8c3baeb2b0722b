# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Well-known models, as their makers' config.json and llama.cpp's converter describe them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Model:
    architecture: str
    quantization: str
    layers: int
    width: int
    feed_forward: int
    vocabulary: int
    heads: int = 0
    kv_heads: int | list[int] = 0
    head: int = 0
    tied: bool = False
    # Further metadata, below the architecture's prefix.
    metadata: dict[str, Any] = field(default_factory=dict)
    # What decides which tensors there are: see `tensors`.
    traits: dict[str, Any] = field(default_factory=dict)


def _experts(count: int, used: int, width: int, **more: int) -> dict[str, int]:
    return {"expert_count": count, "expert_used_count": used, "expert_feed_forward_length": width, **more}


ZOO = {
    "llama-3.1-8b-Q4_K_S": Model("llama", "Q4_K_S", 32, 4096, 14336, 128256, 32, 8, 128),
    "mistral-nemo-12b-Q4_K_M": Model("llama", "Q4_K_M", 40, 5120, 14336, 131072, 32, 8, 128),
    "codestral-22b-Q3_K_M": Model("llama", "Q3_K_M", 56, 6144, 16384, 32768, 48, 8, 128),
    "mistral-7b-Q4_K_S": Model("llama", "Q4_K_S", 32, 4096, 14336, 32000, 32, 8, 128),
    "qwen2.5-7b-Q4_K_M": Model("qwen2", "Q4_K_M", 28, 3584, 18944, 152064, 28, 4, 128, traits={"qkv_bias": True}),
    "qwen3-4b-Q8_0": Model("qwen3", "Q8_0", 36, 2560, 9728, 151936, 32, 8, 128, tied=True, traits={"qk_norm": True}),
    "qwen3-30b-a3b-Q4_K_M": Model(
        *("qwen3moe", "Q4_K_M", 48, 2048, 6144, 151936, 32, 4, 128),
        metadata=_experts(128, 8, 768),
        traits={"qk_norm": True},
    ),
    "gemma-2-9b-Q4_K_M": Model(
        *("gemma2", "Q4_K_M", 42, 3584, 14336, 256000, 16, 8, 256),
        tied=True,
        metadata={"attention.sliding_window": 4096, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        traits={"post_norms": True},
    ),
    "gemma-3-12b-Q4_K_M": Model(
        *("gemma3", "Q4_K_M", 48, 3840, 15360, 262208, 16, 8, 256),
        tied=True,
        metadata={"attention.sliding_window": 1024},
        traits={"post_norms": True, "qk_norm": True},
    ),
    "phi-3-mini-F16": Model(
        *("phi3", "F16", 32, 3072, 8192, 32064, 32, 32, 96),
        metadata={"rope.scaling.original_context_length": 4096, "attention.sliding_window": 2047},
        traits={"fused": True},
    ),
    "gpt-oss-20b-MXFP4": Model(
        *("gpt-oss", "MXFP4", 24, 2880, 2880, 201088, 64, 8, 64),
        metadata={**_experts(32, 4, 2880), "attention.sliding_window": 128},
        traits={"sinks": True},
    ),
    "deepseek-v2-lite-Q4_K_M": Model(
        *("deepseek2", "Q4_K_M", 27, 2048, 10944, 102400, 16, 1, 576),
        metadata={
            **_experts(64, 6, 1408, expert_shared_count=2, leading_dense_block_count=1),
            "expert_weights_scale": 1.0,
            "attention.kv_lora_rank": 512,
            "attention.value_length": 512,
            "attention.key_length_mla": 192,
            "attention.value_length_mla": 128,
            "rope.dimension_count": 64,
        },
        traits={"mla": True},
    ),
    "mamba-2.8b-Q8_0": Model(
        *("mamba", "Q8_0", 64, 2560, 0, 50280),
        tied=True,
        metadata={
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 5120,
            "ssm.state_size": 16,
            "ssm.time_step_rank": 160,
        },
    ),
    # Four layers of forty attend, the others are Mamba 2.
    "granite-4.0-h-tiny-Q4_K_M": Model(
        *("granitehybrid", "Q4_K_M", 40, 1536, 512, 100352, 12),
        kv_heads=[4 if layer in (5, 15, 25, 35) else 0 for layer in range(40)],
        head=128,
        tied=True,
        metadata={
            **_experts(64, 6, 512, expert_shared_feed_forward_length=1024),
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 3072,
            "ssm.state_size": 128,
            "ssm.group_count": 1,
            "ssm.time_step_rank": 48,
            "attention.scale": 0.0078125,
            "embedding_scale": 12.0,
            "residual_scale": 0.22,
            "logit_scale": 6.0,
        },
    ),
    # Every fourth layer attends, the others keep a state (gated delta net).
    "qwen3-next-80b-a3b-Q4_K_M": Model(
        *("qwen3next", "Q4_K_M", 48, 2048, 5120, 151936, 16, 2, 256),
        metadata={
            **_experts(512, 10, 512, expert_shared_feed_forward_length=512),
            "full_attention_interval": 4,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 4096,
            "ssm.state_size": 128,
            "ssm.group_count": 16,
            "ssm.time_step_rank": 32,
        },
        traits={"qk_norm": True, "delta_net": True},
    ),
    "nomic-embed-text-v1.5-Q8_0": Model(
        *("nomic-bert", "Q8_0", 12, 768, 3072, 30522, 12, 12, 64),
        metadata={
            "attention.causal": False,
            "pooling_type": 1,
            "attention.layer_norm_epsilon": 1e-12,
            "rope.freq_base": 1000.0,
        },
        traits={"encoder": True},
    ),
}
