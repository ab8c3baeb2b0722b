#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is, read from its file's header: here, or at its origin before a single gigabyte is fetched."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gguf_info
short_description: Read what GGUF model files say about themselves
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Reads the header of GGUF files, which stands before the weights and holds everything that a server needs to know of the model.
  - A file behind an address is not fetched. Its header is read by ranges, some megabytes at most.
  - Of a model in several parts, name the first one; the others are read too, and the numbers are those of the whole model.
  - GGUF versions 2 and 3, of both byte orders.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  sources:
    description:
      - The models. Each is a path, or an address that begins with V(file://), V(http://), V(https://) or V(hf://).
      - "V(hf://owner/repository@revision/path) is a file of a hub; without a revision it is that of V(main)."
    type: list
    elements: str
    required: true
  token:
    description:
      - Token for gated repositories of the hub. It is sent to the hub alone.
      - Without it, the environment variable E(HF_TOKEN) of the host is used.
    type: str
  endpoint:
    description:
      - Address of the hub, for mirrors.
      - Without it, the environment variable E(HF_ENDPOINT) of the host is used, or else V(https://huggingface.co).
    type: str
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them.
    type: path
"""

EXAMPLES = r"""
- name: Read what a model is before it is fetched
  hearth.llm.gguf_info:
    sources:
      - hf://bartowski/Qwen2.5-7B-Instruct-GGUF/Qwen2.5-7B-Instruct-Q4_K_M.gguf
  register: announced

- name: Refuse a model whose context is too short
  ansible.builtin.assert:
    that: announced.models[0].context_length >= 32768

- name: Read all models of a host in one task
  hearth.llm.gguf_info:
    sources:
      - /srv/models/chat/model-00001-of-00003.gguf
      - /srv/models/embedding.gguf
"""

RETURN = r"""
models:
  description: One entry for each of O(sources), in their order. Where a header does not say something, it is null.
  type: list
  elements: dict
  returned: success
  contains:
    source:
      description: The source as it was given.
      type: str
      returned: success
      sample: /srv/models/chat.gguf
    name:
      description: The model's name.
      type: str
      returned: success
      sample: Qwen2.5 7B Instruct
    description:
      description: What its maker says about it.
      type: str
      returned: success
      sample:
    license:
      description: Its license.
      type: str
      returned: success
      sample: apache-2.0
    architecture:
      description: The architecture, as llama.cpp names it.
      type: str
      returned: success
      sample: qwen2
    parameters:
      description: Number of weights, counted from the tensors.
      type: int
      returned: success
      sample: 7615616512
    quantization:
      description: RV(models[].file_type), or RV(models[].dominant_tensor_type) where the header does not say it.
      type: str
      returned: success
      sample: Q4_K_M
    file_type:
      description: The kind of quantization (C(general.file_type)), as C(llama-quantize) names it.
      type: str
      returned: success
      sample: Q4_K_M
    dominant_tensor_type:
      description: The type that most weights have.
      type: str
      returned: success
      sample: Q4_K
    tensor_types:
      description: For each type, how many weights have it.
      type: dict
      returned: success
      sample: {F32: 333312, Q4_K: 6068109312, Q6_K: 1547173888}
    bits_per_weight:
      description: Bytes of all tensors times eight, by the number of weights.
      type: float
      returned: success
      sample: 4.91
    layers:
      description: Number of layers.
      type: int
      returned: success
      sample: 28
    heads:
      description: Attention heads of a layer; the largest number, where layers differ.
      type: int
      returned: success
      sample: 28
    kv_heads:
      description: Key and value heads of a layer; the largest number, where layers differ.
      type: int
      returned: success
      sample: 4
    kv_heads_by_layer:
      description: Key and value heads of each layer, where layers differ; else one number; empty where the header does not say it.
      type: list
      elements: int
      returned: success
      sample: [4]
    key_length:
      description: Numbers in a key of one head.
      type: int
      returned: success
      sample: 128
    value_length:
      description: Numbers in a value of one head.
      type: int
      returned: success
      sample: 128
    sliding_window:
      description: Tokens that a layer with a sliding window looks back at.
      type: int
      returned: success
      sample: 4096
    embedding_length:
      description: Numbers in an embedding.
      type: int
      returned: success
      sample: 3584
    feed_forward_length:
      description: Width of the feed-forward layers; the largest one, where layers differ.
      type: int
      returned: success
      sample: 18944
    context_length:
      description: The context that the model was trained for, tokens.
      type: int
      returned: success
      sample: 32768
    vocabulary_size:
      description: Number of tokens that the model knows.
      type: int
      returned: success
      sample: 152064
    experts:
      description: Number of experts; 0 for a dense model.
      type: int
      returned: success
      sample: 0
    experts_used:
      description: Number of experts that each token is sent to; 0 for a dense model.
      type: int
      returned: success
      sample: 0
    rope:
      description: How positions are encoded.
      type: dict
      returned: success
      contains:
        dimensions:
          description: Dimensions that are rotated.
          type: int
          returned: success
          sample: 128
        base:
          description: Base frequency.
          type: float
          returned: success
          sample: 1000000.0
        scaling:
          description: How the context was stretched (V(linear), V(yarn), V(longrope)).
          type: str
          returned: success
          sample: yarn
        scaling_factor:
          description: By how much.
          type: float
          returned: success
          sample: 4.0
        original_context_length:
          description: The context before it was stretched, tokens.
          type: int
          returned: success
          sample: 32768
    tokenizer:
      description: Kind of the tokenizer (V(llama) is SentencePiece, V(gpt2) is byte-level BPE).
      type: str
      returned: success
      sample: gpt2
    tokenizer_pre:
      description: Its pre-tokenizer.
      type: str
      returned: success
      sample: qwen2
    has_chat_template:
      description: Whether the model brings a chat template.
      type: bool
      returned: success
      sample: true
    chat_template:
      description: The chat template, Jinja.
      type: str
      returned: success
      sample: "{% for message in messages %}..."
    split_index:
      description: Which part the named file is, counted from 0.
      type: int
      returned: success
      sample: 0
    split_count:
      description: In how many parts the model lies.
      type: int
      returned: success
      sample: 1
    tensors:
      description: Number of tensors.
      type: int
      returned: success
      sample: 339
    tensor_bytes:
      description: Bytes of all tensors, which is about the memory that the weights need. Null where a tensor has an unknown type.
      type: int
      returned: success
      sample: 4677120000
    file_bytes:
      description: Size of the file, or of all parts, bytes. Null where a server does not say it.
      type: int
      returned: success
      sample: 4683073952
    header_bytes:
      description: Size of the header before the weights, bytes.
      type: int
      returned: success
      sample: 5953952
    complete:
      description: Whether the file is long enough for all its tensors. Null where that cannot be known.
      type: bool
      returned: success
      sample: true
    gguf_version:
      description: Version of the file format.
      type: int
      returned: success
      sample: 3
    byte_order:
      description: V(little) or V(big). llama.cpp reads only the one of the machine that it runs on, nearly always V(little).
      type: str
      returned: success
      sample: little
failed_sources:
  description: The sources that could not be read, each with the reason.
  type: dict
  returned: failure
  sample: {/srv/models/page.gguf: "/srv/models/page.gguf is not a GGUF file: it begins like a web page. ..."}
"""

import contextlib
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, StatusError
from ansible_collections.hearth.llm.plugins.module_utils._gguf.model import describe, part_names
from ansible_collections.hearth.llm.plugins.module_utils._gguf.source import LocalFile, RemoteFile
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, is_loopback
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB, file_url, meant, repository_url
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping


def argument_spec() -> dict[str, Any]:
    return {
        "sources": {"type": "list", "elements": "str", "required": True},
        "token": {"type": "str", "no_log": True},
        "endpoint": {"type": "str"},
        "ca_path": {"type": "path"},
    }


def run(params: Mapping[str, Any], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The models; HearthError, which names each source that cannot be read, where there is one."""
    models, failed = [], {}
    token = params["token"] or environment.get("HF_TOKEN")
    endpoint = params["endpoint"] or environment.get("HF_ENDPOINT") or HUB
    if token and urlsplit(endpoint).scheme == "http" and not is_loopback(endpoint):
        raise InputError(f"The token would go in clear text to {endpoint}. Use https for endpoint, or give no token.")
    with Client(ca_path=params["ca_path"]) as client:
        for source in params["sources"]:
            try:
                models.append({"source": source, **_read(_meant(source, endpoint), client, endpoint, token)})
            except HearthError as error:
                failed[source] = error.message + _gated(source, endpoint, error)
    if failed:
        raise HearthError(" ".join(failed.values()), failed_sources=failed)
    return models


def _meant(source: str, endpoint: str) -> str:
    """A path is a path here, whatever it looks like."""
    return meant(source, endpoint) if urlsplit(source).scheme in ("hf", "http", "https") else source


def _read(source: str, client: Client, endpoint: str, token: str | None) -> dict[str, Any]:
    with contextlib.ExitStack() as files:
        parts = [
            files.enter_context(contextlib.closing(_open(part, client, endpoint, token))) for part in part_names(source)
        ]
        return describe(parts)


def _open(source: str, client: Client, endpoint: str, token: str | None) -> LocalFile | RemoteFile:
    scheme = urlsplit(source).scheme
    if scheme == "hf":
        return RemoteFile(client, file_url(source, endpoint), token=token)
    if scheme in ("http", "https"):
        return RemoteFile(client, source)
    if scheme == "file":
        return LocalFile(unquote(urlsplit(source).path))
    if "://" in source:
        raise InputError(
            f"{source}: {scheme}:// is not supported. Write a path, or an address with file://, http://, https:// or hf://."
        )
    return LocalFile(source)


def _gated(source: str, endpoint: str, error: HearthError) -> str:
    if not isinstance(error, StatusError) or error.status not in (401, 403):
        return ""
    source = _meant(source, endpoint)
    if not source.startswith("hf://"):
        return ""
    return f" If the repository is gated, accept its conditions at {repository_url(source, endpoint)}, and name a token of that account in token or HF_TOKEN."


def main() -> None:
    run_module(lambda module: {"models": run(module.params, os.environ)}, argument_spec())


if __name__ == "__main__":
    main()
