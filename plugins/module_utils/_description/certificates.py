# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the gateway's certificate comes from."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Choice, Flag, Key, ListOf, Record
from ansible_collections.hearth.llm.plugins.module_utils._description.special import (
    CertifiedName,
    ControllerPath,
    Email,
    Url,
)

ACME = Record(
    Key(
        "directory",
        Url("https://acme.example.com/directory"),
        "address of the ACME server's directory",
        default="Let's Encrypt's",
        value="https://acme-v02.api.letsencrypt.org/directory",
        also=("url", "server"),
    ),
    Key(
        "terms_agreed",
        Flag(),
        "whether you agree to the server's terms; it gives no certificate otherwise",
        value=False,
        also=("agree", "terms", "tos_agreed", "agreed"),
    ),
    Key(
        "contacts",
        ListOf(Email(), words="a list of e-mail addresses"),
        "e-mail addresses that the server may write to",
        default="none",
        also=("contact", "email", "emails"),
    ),
    Key(
        "server_authority",
        ControllerPath("ca.pem"),
        "the CA that the server's own HTTPS is verified with, PEM",
        default="those that the controller trusts",
        also=("authority", "ca"),
    ),
    words="a dictionary for the ACME server",
)

TLS = Record(
    Key(
        "source",
        Choice(
            "private_ca",
            "files",
            "acme",
            also={
                "letsencrypt": "write acme",
                "self_signed": "write private_ca",
                "selfsigned": "write private_ca",
                "ca": "write private_ca",
                "file": "write files",
            },
        ),
        "where the certificate comes from",
        value="private_ca",
        also=("from", "kind", "type"),
    ),
    Key(
        "certificate",
        ControllerPath("llm.pem"),
        "your certificate with its chain, PEM, where the source is files",
        also=("cert", "crt", "chain"),
    ),
    Key(
        "key",
        ControllerPath("llm.key"),
        "its key, PEM without a passphrase, where the source is files",
        also=("private_key",),
    ),
    Key(
        "authority",
        ControllerPath("ca.pem"),
        "the CA that clients verify the certificate with, PEM, where the source is files or acme",
        default="those that clients trust",
        also=("ca", "ca_path", "ca_cert"),
    ),
    Key(
        "names",
        ListOf(CertifiedName(), words="a list of names"),
        "further names and addresses of the host that the certificate is for",
        default="none",
        also=("domains", "alt_names", "sans"),
    ),
    Key("acme", ACME, "what an ACME server is told"),
    words="a dictionary with its source",
    short="{source: …}",
)
