# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is told of its backups, and what of their description cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._frontends import frontends
from ansible_collections.hearth.llm.plugins.plugin_utils._backup_plan import backup_kept, credentials, planned

GIVEN: dict[str, Any] = {
    "host": "llm",
    "repository": "/mnt/backups/hearth",
    "credentials": "",
    "ssh_key": "",
    "known_hosts": "",
    "directory": "/var/lib/hearth",
    "runtime": "docker",
    "kept": [],
    "keep_daily": "7",
    "keep_weekly": 5,
    "keep_monthly": 0,
    "read_percent": "1",
    "metrics_directory": "",
    "config": "/var/lib/hearth/backup/config/backup/current",
}


def plan(**changes: Any) -> dict[str, Any]:
    return planned({**GIVEN, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repository": ""}, "hearth_backup.repository is not set"),
        ({"repository": "nas:/backups"}, "hearth_backup.repository is nas:/backups: write"),
        ({"repository": "sftp:/backups"}, "hearth_backup.repository is sftp:/backups: write sftp:user@host:/path"),
        ({"repository": "s3:https://host/bucket"}, "hearth_backup.credentials is not set: name a file"),
        ({"credentials": "/home/me/s3.env"}, "hearth_backup.credentials is for S3"),
        ({"ssh_key": "/home/me/key"}, "are for SFTP, and the repository is /mnt/backups/hearth"),
        ({"repository": "/var/lib/hearth/b"}, "below hearth_directory, which goes with what it keeps"),
        ({"keep_daily": 0, "keep_weekly": 0}, "keeps nothing but the last snapshot"),
    ],
)
def test_what_cannot_work_is_said(changes: dict[str, Any], said: str) -> None:
    (finding,) = plan(**changes)["findings"]
    assert said in finding


def test_what_can_work_has_no_finding() -> None:
    assert plan()["findings"] == []
    assert plan(repository="/var/lib/hearth-backups")["findings"] == []
    assert plan(repository="s3:https://host/bucket", credentials="/home/me/s3.env")["findings"] == []


def test_numbers_are_numbers_whoever_has_written_them() -> None:
    told = plan()["settings"]
    assert told["keep"] == {"daily": 7, "weekly": 5, "monthly": 0}
    assert told["read_percent"] == 1


def test_sftp_asks_nobody_and_trusts_whom_it_was_told() -> None:
    told = plan(repository="sftp:backup@nas:/srv/b", ssh_key="/home/me/key", known_hosts="/home/me/keys")
    config = GIVEN["config"]
    assert told["settings"]["sftp_command"] == (
        "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=30 "
        f"-i {config}/ssh_key -o IdentitiesOnly=yes -o UserKnownHostsFile={config}/known_hosts -o StrictHostKeyChecking=yes backup@nas -s sftp"
    )
    assert told["packages"] == ["restic", "openssh-client"]
    other = plan(repository="sftp://backup@nas.example.com:2222//srv/b")["settings"]["sftp_command"]
    assert other.endswith(" -p 2222 backup@nas.example.com -s sftp")
    assert plan()["settings"]["sftp_command"] == ""


def test_credentials_are_lines_as_a_shell_reads_them() -> None:
    text = "# of the shop\nexport AWS_ACCESS_KEY_ID='AKIA1'\n\nAWS_SECRET_ACCESS_KEY = \"a=b\"\n"
    assert credentials(text) == {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "a=b"}


@pytest.mark.parametrize("text", ["aws_key: SECRET", "PATH=/SECRET\n", "AWS_ACCESS_KEY_ID=SECRET\n"])
def test_wrong_credentials_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(InputError) as raised:
        credentials(text)
    assert "hearth_backup.credentials" in str(raised.value)
    assert "/SECRET" not in str(raised.value).replace("AWS_SECRET", "")


def test_every_frontend_says_what_it_keeps_and_where_each_thing_is_counted() -> None:
    told = {
        name: frontend.kept.described(name, frontend.title) for name, frontend in frontends().items() if frontend.kept
    }
    assert told.keys() == frontends().keys()
    assert all({"users", "chats", "documents", "vectors"} <= kept["counts"].keys() for kept in told.values())
    rooms = [{"described": name != "anythingllm", "kept": kept} for name, kept in told.items()]
    kept = backup_kept(rooms, gateway=True, models=True)
    assert [one["name"] for one in kept] == ["open_webui", "gateway", "models"]
    assert [one["service"] for one in kept] == ["open_webui", "gateway", ""]
