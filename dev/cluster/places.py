"""Where the embedded cluster lives: folders, addresses and names."""

import os
from pathlib import Path

# The cluster's state belongs to the machine and not to a clone or its cache: every clone finds the same one.
STATE = Path("/var/lib/processing-operator-cluster")
RUN = Path("/run/processing-operator-cluster")
LOCK = STATE / "lock"
BIN = STATE / "bin"
PKI = STATE / "pki"
CONF = STATE / "conf"
LOGS = STATE / "log"
CONTAINERD_SOCKET = RUN / "containerd.sock"

NODE = "node1"
# The API has to be on an address that Pods reach, so not on the loopback device. Some kernels have no `dummy`
# device: an empty bridge holds the address. Nothing listens on the machine's outer interface.
NODE_ADDRESS = "10.233.255.1"
NODE_LINK = "pj-node0"
POD_LINK = "pj-pods0"
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_API = "10.96.0.1"
CLUSTER_DOMAIN = "cluster.local"
API = f"https://{NODE_ADDRESS}:6443"
# The name of the CNI network; its firewall rules carry it as a comment.
NETWORK = "processing-operator"
# All Pods live below a cgroup of our own, so that `down` can tell them from anything else on the machine.
CGROUP = "processing-operator"

PAUSE_IMAGE = "localhost/processing-pause:1"


def cache() -> Path:
    """The folder of everything built or downloaded: `PJ_CACHE`, by default in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "processing-operator"
    return Path(os.environ.get("PJ_CACHE") or default).absolute()


def kubeconfig() -> Path:
    """The kubeconfig that `up` writes, at the same place for every kind of cluster."""
    return cache() / "cluster" / "kubeconfig"
