# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""moto's server with what AWS does and moto does not. Runs in moto's own environment, and prints its address on the first line."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

IMAGE = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-"
# By Canonical, of which the last is to be taken; and one by somebody who would like to be taken for Canonical.
IMAGES = (("099720109477", "20261001"), ("099720109477", "20261101"), ("666666666666", "20261120"))
# New accounts may not have as many processors with GPUs as this one has.
BEYOND_QUOTA = "g6e.48xlarge"


def _image(number: int, owner: str, day: str) -> dict[str, Any]:
    return {
        "ami_id": f"ami-{number:017x}",
        "name": f"{IMAGE}{day}",
        "description": "Ubuntu 24.04",
        "owner_id": owner,
        "public": True,
        "virtualization_type": "hvm",
        "architecture": "x86_64",
        "state": "available",
        "platform": None,
        "image_type": "machine",
        "hypervisor": "xen",
        "root_device_name": "/dev/sda1",
        "root_device_type": "ebs",
        "sriov": "simple",
        "creation_date": f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00.000Z",
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        images = Path(directory, "images.json")
        images.write_text(json.dumps([_image(number, *image) for number, image in enumerate(IMAGES)]))
        # Read once, by the import.
        os.environ["MOTO_AMIS_PATH"] = str(images)
        from moto.ec2.exceptions import EC2ClientError
        from moto.ec2.models import EC2Backend
        from moto.ec2.models.elastic_block_store import Volume
        from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
        from moto.server import ThreadedMotoServer

    # As AWS calls it where somebody asks for tags by the kind of thing that has them.
    EC2_PREFIX_TO_RESOURCE["eipalloc"] = "elastic-ip"

    # AWS names the snapshot of each disk, with an empty name where there is none.
    make_volume = Volume.__init__

    def volume(self: Any, *arguments: Any, **options: Any) -> None:
        make_volume(self, *arguments, **options)
        self.snapshot_id = self.snapshot_id or ""

    # AWS heeds the market that a launch template names.
    run_instances = EC2Backend.run_instances

    def instances(self: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("instance_type") == BEYOND_QUOTA:
            raise EC2ClientError(
                "VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 0 allows."
            )
        if template := options.get("launch_template"):
            options["instance_market_options"] = self._get_template_from_args(template).data.get(
                "InstanceMarketOptions"
            )
        return run_instances(self, *arguments, **options)

    Volume.__init__ = volume
    EC2Backend.run_instances = instances
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
