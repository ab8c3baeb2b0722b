# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ansible_collections.hearth.llm.plugins.module_utils._deployed_secrets import DeployedSecrets, first_certificate

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"
NOTHING: dict[str, dict[str, str]] = {"gateway": {}, "anythingllm": {}, "open_webui": {}, "valkey": {}}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lay(directory: Path, files: dict[str, str]) -> DeployedSecrets:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return DeployedSecrets(str(directory))


def test_a_virgin_host_has_nothing(tmp_path: Path) -> None:
    assert DeployedSecrets(str(tmp_path / "nowhere")).read() == NOTHING


def test_what_is_said_is_public_or_a_hash(tmp_path: Path) -> None:
    current = "services/gateway/current"
    secrets = lay(
        tmp_path,
        {
            f"{current}/ca.pem": PEM,
            f"{current}/gateway.pem": PEM + PEM.replace("MIIB", "chain") + KEY,
            f"{current}/keys.map": "# SHA-256 of each text, the name of its key.\n1a alice\n2b bob\n",
            f"{current}/ends.map": "#\n2b 1700000000\n",
            f"{current}/engine.map": "engine hush\n",
            "anythingllm/.env": "JWT_SECRET='hush'\nSIG_KEY='hush one'\nSIG_SALT=\"hush=two\"\nOTHER=\n",
            "services/open_webui/current/secrets.json": json.dumps({"WEBUI_SECRET_KEY": "hush three", "OTHER": "hush"}),
            "services/valkey/current/users.acl": f"user default on #{digest('hush four')} ~* &* +@all\n",
        },
    )
    read = secrets.read()
    assert read == {
        "gateway": {
            "authority": PEM,
            "certificate": PEM,
            "api_keys": [
                {"sha256": "1a", "name": "alice", "ends": None},
                {"sha256": "2b", "name": "bob", "ends": 1700000000},
            ],
            "engine_key": digest("hush"),
        },
        "anythingllm": {"sig_key": digest("hush one"), "sig_salt": digest("hush=two")},
        "open_webui": {"secret_key": digest("hush three")},
        "valkey": {"password": digest("hush four")},
    }
    secrets.note(read["gateway"])
    note = Path(secrets.note_path)
    assert "hush" not in note.read_text()
    assert note.stat().st_mode & 0o777 == 0o600
    (tmp_path / current).rename(tmp_path / "gone")
    assert secrets.read()["gateway"] == read["gateway"]


def test_a_file_without_a_certificate_has_none() -> None:
    assert first_certificate("") == first_certificate(KEY) == first_certificate("-----END CERTIFICATE-----") == ""
