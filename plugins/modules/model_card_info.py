#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cards of models say of their licences."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model_card_info
short_description: Ask a hub what the cards of models say of their licences
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Asks the hub for each repository and commit what the head of its card says - the licence, its name and its address where it is one of the maker's own,
    and the model that it was made from.
  - One question for each, and no file is fetched. A repository that cannot be asked fails nothing, and RV(unread) says why.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  sources:
    description: The models, each a source such as C(hf://owner/repository@commit). Others than those of a hub are left out.
    type: list
    elements: str
    required: true
  token:
    description: Token for gated repositories. It is sent to the hub alone. E(HF_TOKEN) on the managed host when left away.
    type: str
  endpoint:
    description: Address of the hub, for mirrors. E(HF_ENDPOINT) on the managed host when left away, or else V(https://huggingface.co).
    type: str
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them.
    type: path
seealso:
  - module: hearth.llm.gguf_info
"""

EXAMPLES = r"""
- name: Ask for the licence of a model
  hearth.llm.model_card_info:
    sources:
      - hf://bartowski/Mistral-Nemo-Instruct-2407-GGUF
  register: cards
"""

RETURN = r"""
cards:
  description: By source what its card says. A key that it does not have is empty.
  returned: success
  type: dict
  sample:
    hf://owner/repository@0123:
      license: other
      license_name: mnpl
      license_link: https://mistral.ai/licences/MNPL-0.1.md
      base_model: owner/model
unread:
  description: By source why its card could not be read.
  returned: success
  type: dict
"""

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError, InputError, TransportError
from ansible_collections.hearth.llm.plugins.module_utils._http import Client, is_loopback
from ansible_collections.hearth.llm.plugins.module_utils._hub import HUB, SOURCE
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module

if TYPE_CHECKING:
    from typing import Mapping

KEYS = ("license", "license_name", "license_link", "base_model")


def argument_spec() -> dict[str, Any]:
    return {
        "sources": {"type": "list", "elements": "str", "required": True},
        "token": {"type": "str", "no_log": True},
        "endpoint": {"type": "str"},
        "ca_path": {"type": "path"},
    }


def run(params: Mapping[str, Any], environment: Mapping[str, str], client: Client) -> dict[str, Any]:
    token = params["token"] or environment.get("HF_TOKEN")
    endpoint = (params["endpoint"] or environment.get("HF_ENDPOINT") or HUB).rstrip("/")
    if token and urlsplit(endpoint).scheme == "http" and not is_loopback(endpoint):
        raise InputError(f"The token would go in clear text to {endpoint}. Use https for endpoint, or give no token.")
    cards: dict[str, dict[str, str]] = {}
    unread: dict[str, str] = {}
    silent = ""
    for source in sorted(set(params["sources"])):
        found = SOURCE.match(source)
        if not found:
            continue
        if silent:
            unread[source] = silent
            continue
        revision = quote(unquote(found["revision"] or "main"), safe="")
        try:
            told = client.json("GET", f"{endpoint}/api/models/{found['repository']}/revision/{revision}", token=token)
        except HearthError as error:
            unread[source] = error.message
            # A hub that does not answer once is not waited for again and again.
            silent = error.message if isinstance(error, TransportError) else ""
        else:
            cards[source] = _card(told)
    return {"cards": cards, "unread": unread}


def _card(told: Any) -> dict[str, str]:
    head = told.get("cardData") if isinstance(told, dict) else None
    return {key: _text(head.get(key)) if isinstance(head, dict) else "" for key in KEYS}


def _text(value: Any) -> str:
    """A card may name several."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def main() -> None:
    def work(module: Any) -> dict[str, Any]:
        # Nobody waits long for what an earlier bill may know already.
        with Client(ca_path=module.params["ca_path"], connect_seconds=5, read_seconds=20, attempts=2) as client:
            return run(module.params, os.environ, client)

    run_module(work, argument_spec())


if __name__ == "__main__":
    main()
