"""The programs of the embedded cluster and how each is called."""

from dev.cluster.places import (
    API,
    BIN,
    CONF,
    NODE,
    NODE_ADDRESS,
    PKI,
    SERVICE_CIDR,
    STATE,
)

_ETCD = "http://127.0.0.1:2379"
_ETCD_PEER = "http://127.0.0.1:2380"

# In the order of their start; they end in the opposite order.
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE_PROGRAMS = ("containerd", "kubelet", "kube-proxy", "coredns")
COMPONENTS = (*CONTROL_PLANE, *NODE_PROGRAMS)


def command(component: str) -> list[str]:
    return [f"{BIN}/{component}", *_ARGUMENTS[component]]


def _kubeconfigs(component: str) -> list[str]:
    path = f"{CONF}/{component}.kubeconfig"
    return [f"--authentication-kubeconfig={path}", f"--authorization-kubeconfig={path}", "--bind-address=127.0.0.1"]


_ARGUMENTS = {
    "etcd": [
        f"--data-dir={STATE}/etcd",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=default={_ETCD_PEER}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ],
    "kube-apiserver": [
        f"--etcd-servers={_ETCD}",
        f"--bind-address={NODE_ADDRESS}",
        f"--advertise-address={NODE_ADDRESS}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--client-ca-file={PKI}/ca.crt",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--service-account-issuer={API}",
        f"--service-account-key-file={PKI}/sa.pub",
        f"--service-account-signing-key-file={PKI}/sa.key",
        f"--kubelet-client-certificate={PKI}/apiserver-kubelet.crt",
        f"--kubelet-client-key={PKI}/apiserver-kubelet.key",
        # the node's name is in no DNS: logs and exec would fail with "no such host"
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={PKI}/front-ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--profiling=false",
    ],
    "kube-controller-manager": [
        f"--kubeconfig={CONF}/kube-controller-manager.kubeconfig",
        *_kubeconfigs("kube-controller-manager"),
        "--leader-elect=false",
        f"--root-ca-file={PKI}/ca.crt",
        f"--service-account-private-key-file={PKI}/sa.key",
        "--use-service-account-credentials=true",
        f"--cluster-signing-cert-file={PKI}/ca.crt",
        f"--cluster-signing-key-file={PKI}/ca.key",
        # at the default of 20 requests/s the controllers' own service accounts take 5 s to make
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ],
    "kube-scheduler": [f"--config={CONF}/scheduler.json", *_kubeconfigs("kube-scheduler")],
    "containerd": ["--config", f"{CONF}/containerd.toml"],
    "kubelet": [
        f"--config={CONF}/kubelet.json",
        f"--kubeconfig={CONF}/kubelet.kubeconfig",
        f"--root-dir={STATE}/kubelet",
        f"--cert-dir={STATE}/kubelet/pki",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
    ],
    "kube-proxy": [f"--config={CONF}/proxy.json"],
    "coredns": ["-conf", f"{CONF}/Corefile"],
}
