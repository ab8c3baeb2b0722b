# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""hearth_kubernetes: which cluster, and what of it."""

from __future__ import annotations

from ansible_collections.hearth.llm.plugins.module_utils._description.kinds import (
    Choice,
    Key,
    MapOf,
    Record,
    Text,
    Whole,
)
from ansible_collections.hearth.llm.plugins.module_utils._description.special import ControllerPath, Size

EXPOSURES = ("cluster", "load_balancer", "node_port", "ingress")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_RULE = "use at most 63 small letters, digits and dashes"

KUBERNETES = Record(
    Key(
        "storage",
        Size(),
        "the size of the volume on which the models lie; it may grow where its class allows that, and never becomes smaller",
        required=True,
        also=("size", "storage_size", "disk"),
    ),
    Key(
        "storage_class",
        Text(
            "the name of a storage class",
            pattern=r"[a-z0-9.-]{1,253}",
            rule="write it as 'kubectl get storageclass' does",
        ),
        "the class of that volume",
        default="the cluster's own default",
        also=("class", "storageclass", "storage_class_name"),
    ),
    Key(
        "storage_access",
        Choice(
            "ReadWriteOnce",
            "ReadWriteMany",
            also={
                "rwo": "write ReadWriteOnce",
                "rwx": "write ReadWriteMany",
                "readwriteoncepod": "write ReadWriteOnce",
            },
        ),
        "whether one node has that volume at a time, and all pods of models are on it, or many; the class has to be able to",
        value="ReadWriteOnce",
        also=("access", "access_mode", "access_modes"),
    ),
    Key(
        "namespace",
        Text("the name of a namespace", pattern=_LABEL, rule=_RULE),
        "the namespace, which is hearth's alone",
        value="hearth",
        also=("ns",),
    ),
    Key(
        "kubeconfig",
        ControllerPath("kubeconfig", file=True),
        "the file that says where the cluster is and who you are there",
        default="KUBECONFIG, or ~/.kube/config",
        also=("config", "kube_config"),
    ),
    Key(
        "context",
        Text(
            "the name of a context", pattern=r"[\w.:/@-]{1,253}", rule="write it as 'kubectl config get-contexts' does"
        ),
        "which of the file's contexts is the cluster",
        default="the one that is current",
        also=("kube_context",),
    ),
    Key(
        "exposure",
        Choice(
            *EXPOSURES,
            also={
                "loadbalancer": "write load_balancer",
                "nodeport": "write node_port",
                "clusterip": "write cluster",
                "none": "write cluster",
                "port_forward": "write cluster",
            },
        ),
        "how clients reach the gateway: from within the cluster (or by kubectl port-forward), by a load balancer, a port of each node, or an Ingress",
        value=EXPOSURES[0],
        also=("expose", "service", "type"),
    ),
    Key(
        "node_port",
        Whole(least=30000, most=32767, words="a port of nodes"),
        "which port of each node it is (node_port)",
        default="one that the cluster chooses",
        also=("nodeport",),
    ),
    Key(
        "ingress_class",
        Text(
            "the name of an ingress class",
            pattern=r"[a-z0-9.-]{1,253}",
            rule="write it as 'kubectl get ingressclass' does",
        ),
        "whose Ingress it is (ingress)",
        default="the cluster's own default",
    ),
    Key(
        "annotations",
        MapOf(Text("the name of an annotation"), Text("its value"), words="a dictionary of annotations"),
        "what the Ingress controller, or the load balancer, is told: TLS is the gateway's, and has to be passed through",
        default="what ingress-nginx needs for that, where exposure is ingress",
    ),
    Key(
        "nodes",
        MapOf(Text("the name of a label"), Text("the label's value"), words="a dictionary of labels"),
        "labels of the nodes that pods may be on, such as a pool",
        default="all nodes",
        also=("node_selector", "nodeselector", "node_pool"),
    ),
    words="a dictionary with the size of its storage",
    short="{storage: …}",
)
