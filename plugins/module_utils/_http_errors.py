# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong on the way to a server, in words: what was asked, how far it got, what to do."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from email.message import Message
from urllib.parse import SplitResult, urlsplit

from ansible_collections.hearth.llm.plugins.module_utils._errors import StatusError, TransportError
from ansible_collections.hearth.llm.plugins.module_utils._hidden import shown
from ansible_collections.hearth.llm.plugins.module_utils._url import safe_url

_REMEDIES = {
    401: "Give a valid key or token.",
    403: "Ask for access, or use a key or token that has it.",
    404: "Check the address.",
    407: "Give the proxy's user and password in http_proxy or https_proxy.",
    429: "Wait a while, or ask with a token: known users are limited less.",
}


def status_error(method: str, url: str, status: int, reason: str, headers: Message, body: str) -> StatusError:
    """For an answer that nobody expected."""
    content_type = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    said = _words_of(body, content_type)
    remedy = _REMEDIES.get(status, "Try again later." if status >= 500 else "Check the address and the request.")
    message = f"{method} {safe_url(url)} answered {status} {reason}{said}. {remedy}"
    return StatusError(message, status=status, headers=headers, body=body, url=safe_url(url))


def _words_of(body: str, content_type: str) -> str:
    """What the server said in words, where it is short enough to be words."""
    if content_type == "application/json":
        try:
            said = json.loads(body)
        except ValueError:
            return ""
        said = said.get("error", said.get("message", "")) if isinstance(said, dict) else ""
        said = said.get("message", "") if isinstance(said, dict) else said
        # Cut off last: half a secret is not known again.
        return f" ({shown(str(said))[:300].rstrip('.')})" if said else ""
    text = shown(" ".join(body.split()))
    return f" ({text[:300].rstrip('.')})" if text and content_type == "text/plain" else ""


def transport_error(
    method: str, url: str, stage: str, error: Exception, seconds: float, proxy: SplitResult | None = None
) -> TransportError:
    """For an answer that did not come, or did not end."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    through = f" through the proxy {proxy.hostname}:{proxy.port or 8080}" if proxy else ""
    reason = shown(getattr(error, "strerror", None) or str(error) or type(error).__name__)[:300]
    if isinstance(error, ssl.SSLError) and stage == "connect":
        stage = "tls"
    if stage == "tls" and not isinstance(error, socket.timeout):
        why = getattr(error, "verify_message", "") or reason
        what = f"no trusted TLS connection to {host}{through} ({why})"
        remedy = "Name the CA that signed it in ca_path, or in SSL_CERT_FILE; check the name in the address and this host's clock."
    elif isinstance(error, socket.gaierror):
        stage, what = "address", f"the name {proxy.hostname if proxy else host} is not known ({reason})"
        remedy = "Check the name and this host's DNS, or set https_proxy."
    elif isinstance(error, socket.timeout):
        what = f"nothing came from {host}{through} for {seconds:.0f} s"
        remedy = "Check that the server is up and that no firewall stands between, or set https_proxy and no_proxy."
    elif "Tunnel connection failed" in str(error):
        stage, what = "proxy", f"the proxy {proxy.hostname if proxy else ''} refused the way to {host} ({error})"
        remedy = "Check https_proxy and its user and password, or name the host in no_proxy."
    elif stage == "connect":
        what = f"cannot connect to {host}{through} ({reason})"
        remedy = "Check that the server is up and can be reached from this host, or set https_proxy and no_proxy."
    else:
        if isinstance(error, http.client.IncompleteRead) and error.expected:
            reason = f"{error.expected} bytes before the end"
        what = f"the connection to {host} was cut ({reason})"
        remedy = "Try again; look at the server's log where it happens each time."
    return TransportError(f"{method} {safe_url(url)}: {what}. {remedy}", stage=stage, url=safe_url(url))
