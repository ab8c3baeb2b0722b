# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules for AnythingLLM and Open WebUI reach their server, written once."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Base address of the server, up to where its paths follow, as the host reaches it on which the module runs.
      - For example V(http://127.0.0.1:3001), or the gateway's address.
    type: str
    required: true
  api_key:
    description:
      - A key of the server's own API, with the rights of an administrator.
      - The product's bootstrap module makes it.
    type: str
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them on the host.
    type: path
  timeout:
    description: How long the server may keep silent while it answers, seconds. Embedding a long document takes its time.
    type: float
    default: 300
notes:
  - Proxies are taken from the environment, as C(https_proxy) and C(no_proxy).
"""
