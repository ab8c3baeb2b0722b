# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_backup: where backups of what services keep go, when, and how long they stay."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import Flag, Key, Record, Text, Whole
from ansible_collections.hearth.llm.plugins.module_utils._description.special import ControllerPath, HostPath


def _advice(repository: str) -> str:
    if repository.startswith(("~", ".")):
        return "write an absolute path of the host, such as /mnt/backups/hearth"
    if repository.startswith(("s3://", "https://")):
        return f"write s3:https://{repository.partition('//')[2]}, with the server's name before the bucket's"
    if repository.startswith("s3:") and "@" in repository:
        return "take the key out of it, and put it into a file that credentials names"
    return ""


BACKUP = Record(
    Key(
        "repository",
        Text(
            "a place for backups",
            pattern=r"/\S+|sftp:\S+:\S+|s3:https?://\S+",
            rule="write an absolute path of the host, sftp:user@host:/path, or s3:https://host/bucket",
            advice=_advice,
        ),
        "where restic keeps them: a directory of the host, SFTP, or S3",
        required=True,
        also=("path", "directory", "url", "target", "destination"),
    ),
    Key(
        "credentials",
        ControllerPath("s3.env", file=True),
        "a file with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, for S3",
        default="none",
        also=("credentials_file", "keys", "environment"),
    ),
    Key(
        "ssh_key",
        ControllerPath("backup_key", file=True),
        "the private key by which the host comes in, for SFTP",
        default="those of the user there",
        also=("key", "private_key", "identity_file"),
    ),
    Key(
        "known_hosts",
        ControllerPath("known_hosts", file=True),
        "the server's keys as `ssh-keyscan` prints them, for SFTP",
        default="those that the user there knows",
        also=("host_keys",),
    ),
    Key(
        "at",
        Text(
            "a time of day",
            pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]",
            rule="write hours and minutes in quotes",
            example='"03:30"',
        ),
        "when a backup is taken each day, UTC, or within a quarter of an hour after that, each host at a minute of its own",
        value="03:30",
        also=("time", "hour", "schedule"),
    ),
    Key(
        "keep_daily",
        Whole("days", least=0, most=3650),
        "of so many days a snapshot stays",
        value=7,
        also=("daily", "days"),
    ),
    Key("keep_weekly", Whole("weeks", least=0, most=520), "of so many weeks", value=5, also=("weekly", "weeks")),
    Key("keep_monthly", Whole("months", least=0, most=120), "of so many months", value=12, also=("monthly", "months")),
    Key(
        "read_percent",
        Whole("percent", least=0, most=100),
        "how much of the repository is read again after each backup",
        value=1,
        also=("verify_percent", "check_percent"),
    ),
    Key("models", Flag(), "whether models are taken, too; the lock file brings them back without that", value=False),
    Key(
        "metrics_directory",
        HostPath(),
        "where a node exporter's textfile collector reads",
        default="none",
        also=("textfile_directory", "metrics"),
    ),
    words="a dictionary for backups",
    short="{repository: …}",
)
