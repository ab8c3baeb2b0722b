# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and dimensions of a model's tensors, as llama.cpp wants them (src/llama-arch.cpp and each architecture's load_arch_tensors)."""

from __future__ import annotations

from collections.abc import Iterator

from fakes.architectures.zoo import Model

Shape = tuple[str, tuple[int, ...]]


def tensors(model: Model) -> Iterator[Shape]:
    yield "token_embd.weight", (model.width, model.vocabulary)
    if model.traits.get("encoder"):
        yield from _norm("token_embd_norm", model.width)
        yield "token_types.weight", (model.width, 2)
    else:
        yield "output_norm.weight", (model.width,)
        if not model.tied:
            yield "output.weight", (model.width, model.vocabulary)
    for layer in range(model.layers):
        for name, dimensions in _layer(model, layer):
            yield f"blk.{layer}.{name}", dimensions


def _layer(model: Model, layer: int) -> Iterator[Shape]:
    kv_heads = model.kv_heads[layer] if isinstance(model.kv_heads, list) else model.kv_heads
    if model.traits.get("encoder"):
        yield from _encoder(model)
        return
    yield "attn_norm.weight", (model.width,)
    if model.traits.get("mla"):
        yield from _latent_attention(model)
    elif model.traits.get("delta_net") and (layer + 1) % model.metadata["full_attention_interval"]:
        yield from _delta_net(model)
    elif kv_heads:
        yield from _attention(model, kv_heads)
    else:
        yield from _state_space(model)
    if model.feed_forward:
        yield from _feed_forward(model, layer)


def _attention(model: Model, kv_heads: int) -> Iterator[Shape]:
    width, queries, keys = model.width, model.heads * model.head, kv_heads * model.head
    if model.traits.get("fused"):
        yield "attn_qkv.weight", (width, queries + 2 * keys)
    else:
        # With a gate of the same size beside it.
        yield "attn_q.weight", (width, queries * (2 if model.traits.get("delta_net") else 1))
        yield "attn_k.weight", (width, keys)
        yield "attn_v.weight", (width, keys)
    yield "attn_output.weight", (queries, width)
    if model.traits.get("qkv_bias") or model.traits.get("sinks"):
        yield "attn_q.bias", (queries,)
        yield "attn_k.bias", (keys,)
        yield "attn_v.bias", (keys,)
    if model.traits.get("sinks"):
        yield "attn_output.bias", (width,)
        yield "attn_sinks.weight", (model.heads,)
    if model.traits.get("qk_norm"):
        yield "attn_q_norm.weight", (model.head,)
        yield "attn_k_norm.weight", (model.head,)
    if model.traits.get("post_norms"):
        yield "post_attention_norm.weight", (width,)


def _latent_attention(model: Model) -> Iterator[Shape]:
    rank, rotated = model.metadata["attention.kv_lora_rank"], model.metadata["rope.dimension_count"]
    key, value = model.metadata["attention.key_length_mla"], model.metadata["attention.value_length_mla"]
    yield "attn_q.weight", (model.width, model.heads * key)
    yield "attn_kv_a_mqa.weight", (model.width, rank + rotated)
    yield "attn_kv_a_norm.weight", (rank,)
    yield "attn_k_b.weight", (key - rotated, rank, model.heads)
    yield "attn_v_b.weight", (rank, value, model.heads)
    yield "attn_output.weight", (model.heads * value, model.width)


def _state_space(model: Model) -> Iterator[Shape]:
    values = {key.partition(".")[2]: value for key, value in model.metadata.items() if key.startswith("ssm.")}
    inner, state, kernel, rank = (values[key] for key in ("inner_size", "state_size", "conv_kernel", "time_step_rank"))
    if "group_count" not in values:
        yield "ssm_in.weight", (model.width, 2 * inner)
        yield from _conv(kernel, inner)
        yield "ssm_x.weight", (inner, rank + 2 * state)
        yield "ssm_dt.weight", (rank, inner)
        yield "ssm_dt.bias", (inner,)
        yield "ssm_a", (state, inner)
        yield "ssm_d", (inner,)
    else:
        wide = inner + 2 * values["group_count"] * state
        yield "ssm_in.weight", (model.width, inner + wide + rank)
        yield from _conv(kernel, wide)
        yield "ssm_dt.bias", (rank,)
        yield "ssm_a", (1, rank)
        yield "ssm_d", (1, rank)
        yield "ssm_norm.weight", (inner // values["group_count"], values["group_count"])
    yield "ssm_out.weight", (inner, model.width)


def _delta_net(model: Model) -> Iterator[Shape]:
    inner, state = model.metadata["ssm.inner_size"], model.metadata["ssm.state_size"]
    rank, groups = model.metadata["ssm.time_step_rank"], model.metadata["ssm.group_count"]
    wide = inner + 2 * groups * state
    yield "attn_qkv.weight", (model.width, wide)
    yield "attn_gate.weight", (model.width, inner)
    yield "ssm_conv1d.weight", (model.metadata["ssm.conv_kernel"], wide)
    yield "ssm_dt.bias", (rank,)
    yield "ssm_a", (rank,)
    yield "ssm_ba.weight", (model.width, 2 * rank)
    yield "ssm_norm.weight", (state,)
    yield "ssm_out.weight", (inner, model.width)


def _conv(kernel: int, width: int) -> Iterator[Shape]:
    yield "ssm_conv1d.weight", (kernel, width)
    yield "ssm_conv1d.bias", (width,)


def _feed_forward(model: Model, layer: int) -> Iterator[Shape]:
    width, experts = model.width, model.metadata.get("expert_count", 0)
    after = model.traits.get("sinks") or model.traits.get("delta_net")
    yield "post_attention_norm.weight" if after else "ffn_norm.weight", (width,)
    if model.traits.get("post_norms"):
        yield "post_ffw_norm.weight", (width,)
    if not experts or layer < model.metadata.get("leading_dense_block_count", 0):
        yield from _gated("", width, model.feed_forward, fused=bool(model.traits.get("fused")))
        return
    inner = model.metadata["expert_feed_forward_length"]
    yield "ffn_gate_inp.weight", (width, experts)
    yield "ffn_gate_exps.weight", (width, inner, experts)
    yield "ffn_up_exps.weight", (width, inner, experts)
    yield "ffn_down_exps.weight", (inner, width, experts)
    if model.traits.get("sinks"):
        yield "ffn_gate_inp.bias", (experts,)
        for name, size in (("gate", inner), ("up", inner), ("down", width)):
            yield f"ffn_{name}_exps.bias", (size, experts)
    shared = model.metadata.get("expert_shared_count", 0) * inner
    shared = model.metadata.get("expert_shared_feed_forward_length", shared)
    if model.traits.get("delta_net"):
        yield "ffn_gate_inp_shexp.weight", (width,)
    if shared:
        yield from _gated("_shexp", width, shared)


def _gated(suffix: str, width: int, inner: int, *, fused: bool = False) -> Iterator[Shape]:
    if fused:
        yield f"ffn_up{suffix}.weight", (width, 2 * inner)
    else:
        yield f"ffn_gate{suffix}.weight", (width, inner)
        yield f"ffn_up{suffix}.weight", (width, inner)
    yield f"ffn_down{suffix}.weight", (inner, width)


def _encoder(model: Model) -> Iterator[Shape]:
    yield "attn_qkv.weight", (model.width, 3 * model.width)
    yield "attn_output.weight", (model.width, model.width)
    yield from _norm("attn_output_norm", model.width)
    yield from _gated("", model.width, model.feed_forward)
    yield from _norm("layer_output_norm", model.width)


def _norm(name: str, width: int) -> Iterator[Shape]:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)
