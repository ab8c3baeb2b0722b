# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of the one description: its kind, its default, and what it means. A new one is one line."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.backup import BACKUP
from ansible_collections.hearth.llm.plugins.module_utils._description.certificates import TLS
from ansible_collections.hearth.llm.plugins.module_utils._description.clusters import KUBERNETES
from ansible_collections.hearth.llm.plugins.module_utils._description.keys import API_KEYS
from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Flag,
    Key,
    ListOf,
    Record,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.lock import LOCK
from ansible_collections.hearth.llm.plugins.module_utils._description.measurements import MEASUREMENTS
from ansible_collections.hearth.llm.plugins.module_utils._description.models import MODELS
from ansible_collections.hearth.llm.plugins.module_utils._description.people import ASSISTANTS, FRONTENDS_KIND, USERS
from ansible_collections.hearth.llm.plugins.module_utils._description.private_network import PRIVATE_NETWORK
from ansible_collections.hearth.llm.plugins.module_utils._description.shared_address import SHARED_ADDRESS
from ansible_collections.hearth.llm.plugins.module_utils._description.special import (
    Address,
    ControllerPath,
    Endpoint,
    Gpu,
    HostName,
    Network,
    OwnDirectory,
    Port,
    Ports,
    Size,
    Url,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.windows import WINDOWS

PREFIX = "hearth_"

REMOVABLE = ("models", "documents", "users", "assistants", "api_keys", "certificates")

_OPENING = Record(
    Key("port", Ports(), "a port, or a range such as 8000-8010", required=True, also=("ports", "dport", "to_port")),
    Key("protocol", Choice("tcp", "udp"), "its protocol", value="tcp", also=("proto",)),
    Key(
        "sources",
        ListOf(
            Network(), words="a list of networks", empty="nobody could reach it; name a network, or take the port away"
        ),
        "networks from which it is open",
        default="hearth_lan_sources",
        also=("source", "from", "from_ip"),
    ),
    Key(
        "comment",
        Text(pattern=r"[\w .,:;/()+@=-]{0,80}", rule="use at most 80 letters, digits and blanks"),
        "what it is for; it stands beside the rule on the host",
        default="none",
    ),
    words="a dictionary for a port",
    short="{port: …}",
)

VARIABLES: dict[str, Key] = {
    key.name: key
    for key in (
        Key("hearth_models", MODELS, "served name → the model", required=True),
        Key(
            "hearth_api_keys",
            API_KEYS,
            "who may ask",
            default="one key, called default, for all models",
            value=[{"name": "default"}],
        ),
        Key("hearth_frontends", FRONTENDS_KIND, "the pages for people", default="none"),
        Key("hearth_assistants", ASSISTANTS, "name → the assistant", default="none"),
        Key("hearth_users", USERS, "who may log in at the frontends", default="nobody but the administrator"),
        Key(
            "hearth_disk_budget",
            Size(),
            "what all models on a host may take on the disk: those that are fetched on their first request give way, the least recently asked first",
            default="as much as there is",
            also=("hearth_models_budget", "hearth_disk_limit"),
        ),
        Key("hearth_domain", HostName(), "the name that clients use", value="localhost"),
        Key("hearth_address", Address(), "the address of the host on which the gateway listens", value="0.0.0.0"),
        Key("hearth_port", Port(), "the port on which the gateway listens", value=443),
        Key("hearth_tls", TLS, "where the gateway's certificate comes from", default="a private CA on the controller"),
        Key(
            "hearth_runtime",
            Choice(
                "docker",
                "process",
                "kubernetes",
                also={
                    "k8s": "write kubernetes",
                    "gke": "write kubernetes",
                    "openshift": "write kubernetes",
                    "podman": "write docker, or process for a host without containers",
                    "container": "write docker",
                    "containers": "write docker",
                    "native": "write process",
                    "systemd": "write process",
                },
            ),
            "docker, or process (one directory, no root, no containers), or kubernetes of a host of hearth_clusters",
            value="docker",
        ),
        Key(
            "hearth_directory",
            OwnDirectory(),
            "everything of hearth on a host lies below it",
            value="/var/lib/hearth",
        ),
        Key(
            "hearth_secrets_directory",
            ControllerPath(".secrets", own=True),
            "everything secret lies below it, on the controller",
            default="{{ inventory_dir }}/.secrets",
        ),
        Key(
            "hearth_models_lock_file",
            ControllerPath(".models.lock.yml", file=True),
            "what each source was when it was first looked up, a file on the controller",
            default="{{ inventory_dir }}/.models.lock.yml",
        ),
        Key(
            "hearth_reports_directory",
            ControllerPath(".reports", own=True),
            "what is reported of the hosts lies below it, on the controller",
            default="{{ inventory_dir }}/.reports",
        ),
        Key(
            "hearth_sbom_file",
            ControllerPath(".sbom.cdx.json", file=True),
            "the [bill of materials](sbom.md), a file on the controller",
            default="{{ inventory_dir }}/.sbom.cdx.json",
        ),
        Key(
            "hearth_monitoring_directory",
            ControllerPath(".monitoring"),
            "what `monitoring.yml` writes lies below it, on the controller ([monitoring.md](monitoring.md))",
            default="{{ inventory_dir }}/.monitoring",
        ),
        *MEASUREMENTS,
        *LOCK,
        Key(
            "hearth_backup",
            BACKUP,
            "where what services keep is backed up to, and when ([backup.md](backup.md))",
            default="no backups",
        ),
        Key(
            "hearth_hub_endpoint",
            Url(),
            "the hub that hf:// sources are read from, or a mirror of it",
            value="https://huggingface.co",
        ),
        Key(
            "hearth_gpu_policy",
            Choice(
                "auto",
                "required",
                "none",
                also={
                    "true": "write required",
                    "yes": "write required",
                    "on": "write required",
                    "false": "write none",
                    "no": "write none",
                    "off": "write none",
                    "nvidia": "write required",
                    "all": "write required, and name the GPUs in hearth_gpus",
                },
            ),
            "whether the host has to have a GPU",
            value="auto",
            also=("hearth_gpu", "hearth_gpu_required"),
        ),
        Key(
            "hearth_gpus",
            ListOf(Gpu(), words="a list of CDI names"),
            "which GPUs engines are given, as CDI names; [] is none",
            default="llama_cpp: none, vllm: all",
        ),
        Key(
            "hearth_firewall",
            Flag(text=True),
            "whether the host is closed but for SSH and the gateway (docker only)",
            value=True,
        ),
        Key(
            "hearth_lan_sources",
            ListOf(
                Network(),
                words="a list of networks",
                empty="nobody could reach the gateway; name a network, or leave hearth_lan_sources out for all private ones",
            ),
            "networks from which the gateway can be reached",
            default="all private networks",
        ),
        Key(
            "hearth_open_ports",
            ListOf(_OPENING, words="a list of ports"),
            "further ports that stay open",
            default="none",
        ),
        Key(
            "hearth_connect_to",
            Endpoint(),
            "where the controller connects to, while the name is not in DNS yet",
            default="what hearth_domain leads to",
        ),
        *SHARED_ADDRESS,
        *PRIVATE_NETWORK,
        *WINDOWS,
        Key(
            "hearth_kubernetes",
            KUBERNETES,
            "the cluster that a host of hearth_clusters stands for ([kubernetes.md](kubernetes.md))",
            default="none",
            also=("hearth_k8s", "hearth_cluster"),
        ),
        Key("hearth_otel_collector", Flag(text=True), "whether traces are collected on the host", value=False),
        Key("hearth_valkey", Flag(text=True), "whether a store for applications is run", value=False),
        Key(
            "hearth_accept_removals",
            ListOf(Choice(*REMOVABLE), words=f"a list of {', '.join(REMOVABLE)}", commas=True),
            "kinds of which more than hearth_removal_percent_max may go, in this run",
            default="none",
        ),
        Key(
            "hearth_removal_percent_max",
            Whole("percent", least=1, most=100),
            "the share of a kind that may go without being confirmed",
            value=50,
        ),
        Key(
            "hearth_purge",
            Flag(text=True),
            "whether playbooks/remove.yml removes everything below hearth_directory, models and chats too",
            value=False,
        ),
    )
}
