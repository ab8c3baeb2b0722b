#!/usr/bin/python
# SPDX-FileCopyrightText: hearth.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own requests are HTTP/1.1: what is wrong with HTTP/2 alone, they do not see."""

from __future__ import annotations

DOCUMENTATION = r"""
module: http2_probe
short_description: Ask a server by HTTP/2 where it offers that
version_added: 1.0.0
author: hearth.llm contributors (@hearth-llm)
description:
  - Connects by TLS, and where the server chooses HTTP/2 (C(h2)) asks it one question. It fails where the server does not answer, or says something of itself
    that HTTP/2 forbids, after which every client gives up.
  - No proxy is used, and no key is sent.
  - In check mode nothing is asked, because what would answer may not be there yet.
extends_documentation_fragment:
  - hearth.llm.attributes
  - hearth.llm.attributes.info
options:
  url:
    description: What to ask for, C(https://…). Where it is not by TLS, HTTP/2 is not offered.
    type: str
    required: true
  ca_path:
    description: Certificates of further authorities to trust, a PEM file or a directory of them on the host.
    type: path
  status_code:
    description: The statuses of which one has to come.
    type: list
    elements: int
    default: [200]
  timeout:
    description: How long the server may be silent, seconds.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Ask the gateway by HTTP/2 without a key
  hearth.llm.http2_probe:
    url: https://llm.example.org/v1/models
    ca_path: /etc/hearth/ca.pem
    status_code: [401]
"""

RETURN = r"""
offered:
  description: Whether the server offers HTTP/2. Where it does not, nothing was asked.
  type: bool
  returned: always, not in check mode
status:
  description: What it answered.
  type: int
  returned: where it offers HTTP/2
  sample: 401
"""

import ssl
from typing import Any

from ansible_collections.hearth.llm.plugins.module_utils import _http2
from ansible_collections.hearth.llm.plugins.module_utils._errors import HearthError
from ansible_collections.hearth.llm.plugins.module_utils._module import run_module
from ansible_collections.hearth.llm.plugins.module_utils._staged_http import Way

REMEDY = "Look at the log of the server; turn HTTP/2 off there if it cannot be mended."


def argument_spec() -> dict[str, Any]:
    return {
        "url": {"type": "str", "required": True},
        "ca_path": {"type": "path"},
        "status_code": {"type": "list", "elements": "int", "default": [200]},
        "timeout": {"type": "float", "default": 10},
    }


def run(params: dict[str, Any]) -> dict[str, Any]:
    way = Way(params["url"], ca_path=params["ca_path"], protocols=("h2", "http/1.1"))
    connection = way.open(params["timeout"]).sock
    try:
        if not isinstance(connection, ssl.SSLSocket) or connection.selected_alpn_protocol() != "h2":
            return {"offered": False}
        # Buffered: a frame is read whole, however it comes.
        status = _http2.ask(connection.makefile("rb").read, connection.sendall, way.parts.netloc, way.parts.path or "/")
    except (HearthError, OSError) as error:
        raise HearthError(f"{way.words} offers HTTP/2 and does not speak it: {error}. {REMEDY}") from error
    finally:
        connection.close()
    if status not in params["status_code"]:
        expected = " or ".join(map(str, params["status_code"]))
        raise HearthError(
            f"{way.words} answers HTTP/2 by the status {status} and not by {expected}. {REMEDY}", status=status
        )
    return {"offered": True, "status": status}


def main() -> None:
    run_module(lambda module: {} if module.check_mode else run(module.params), argument_spec())


if __name__ == "__main__":
    main()
