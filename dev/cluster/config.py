"""The configuration files of the embedded cluster's components."""

import json
from pathlib import Path
from typing import Any

from dev.cluster.places import (
    CGROUP,
    CLUSTER_DOMAIN,
    CONF,
    CONTAINERD_SOCKET,
    NETWORK,
    NODE,
    NODE_ADDRESS,
    PAUSE_IMAGE,
    PKI,
    POD_CIDR,
    POD_LINK,
    RUN,
    STATE,
)


def write_all(cni_plugins: Path) -> None:
    files = {
        "containerd.toml": containerd(cni_plugins),
        "cni/10-bridge.conflist": json.dumps(cni(), indent=1),
        "kubelet.json": json.dumps(kubelet(), indent=1),
        "scheduler.json": json.dumps(scheduler(), indent=1),
        "proxy.json": json.dumps(proxy(), indent=1),
        "Corefile": coredns(),
        "resolv.conf": "options ndots:5\n",
    }
    for name, text in files.items():
        path = CONF / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def containerd(cni_plugins: Path) -> str:
    """Containerd's file (version 3).

    `restrict_oom_score_adj`: without CAP_SYS_RESOURCE a score may not be lowered, and every Pod would stay in
    FailedCreatePodSandBox ("can't get final child's PID from pipe: EOF").
    `netns_mounts_under_state_dir`: Pods' network namespaces are then told from other programs' by their path. For the
    same reason runc gets a folder of its own, and NRI, which would make one, is off.
    """
    return f"""version = 3
root = "{STATE}/containerd"
state = "{RUN}/containerd"
oom_score = 0
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{cni_plugins}"]
    conf_dir = "{CONF}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{RUN}/runc"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
"""


def cni() -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{RUN}/ipam",
        "ranges": [[{"subnet": POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": POD_LINK, "isGateway": True, "ipMasq": True, "hairpinMode": True}
    return {"cniVersion": "0.4.0", "name": NETWORK, "plugins": [{**bridge, "ipam": addresses}]}


def kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "address": NODE_ADDRESS,
        "healthzBindAddress": "127.0.0.1",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": f"{CONF}/resolv.conf",
        # "0%" turns the disk's signals off: a full laptop must not evict the tests' Pods
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        # images are loaded from files and cannot be pulled again
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "maxPods": 200,
        "volumePluginDir": f"{STATE}/volumeplugins",
        "podLogsDir": f"{STATE}/podlogs",
    }


def scheduler() -> dict[str, Any]:
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        # the default of 50 requests/s caps binding at 50 Pods/s
        "clientConnection": {"kubeconfig": f"{CONF}/kube-scheduler.kubeconfig", "qps": 1000, "burst": 2000},
    }


def proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{CONF}/kube-proxy.kubeconfig"},
        "clusterCIDR": POD_CIDR,
        "hostnameOverride": NODE,
        "nodePortAddresses": [f"{NODE_ADDRESS}/32"],
        "oomScoreAdj": 0,
        # zero leaves the machine's own connection tracking limits alone
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def coredns() -> str:
    return f""".:53 {{
    bind {NODE_ADDRESS}
    errors
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {CONF}/admin.kubeconfig
        ttl 5
    }}
    cache 5
}}
"""
