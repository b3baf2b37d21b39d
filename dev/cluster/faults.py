"""Breaking the embedded cluster on purpose, for the end-to-end tests.

Everything here raises a ClusterError where the cluster is another one: a user's cluster is not to be broken.
"""

import os
import signal
from pathlib import Path

from dev.cluster import choice, embedded, images, processes
from dev.cluster.components import COMPONENTS
from dev.cluster.errors import ClusterError

_SANDBOX = "sandbox"
_CONTAINER = "container"


def kill(component: str) -> None:
    """End a component by SIGKILL, for instance the `kubelet`, and wait until it is gone. Pods run on."""
    _check()
    if component not in COMPONENTS:
        raise ClusterError(f"{component} is none of {', '.join(COMPONENTS)}")
    processes.kill(component)


def repair() -> None:
    """Start again what was killed and wait until the node is Ready. Objects and Pods are kept."""
    _check()
    embedded.up()


def restart(component: str) -> None:
    """Kill a component and start it again."""
    kill(component)
    repair()


def pause_pid(namespace: str, pod: str) -> int:
    """The process that holds a Pod's namespaces: killing it loses the sandbox, as a reboot does."""
    return _pid(_select(namespace, pod, _SANDBOX), f"the sandbox of {namespace}/{pod}")


def container_pid(namespace: str, pod: str, container: str) -> int:
    """Process 1 of a running container, seen from the machine."""
    chosen = f'{_select(namespace, pod, _CONTAINER)},labels."io.kubernetes.container.name"=={container}'
    return _pid(chosen, f"container {container} of {namespace}/{pod}")


def kill_pause(namespace: str, pod: str) -> None:
    os.kill(pause_pid(namespace, pod), signal.SIGKILL)


def kill_shim(namespace: str, pod: str) -> None:
    """What stands between containerd and a Pod's containers, their parent: they run on, and nobody hears their end."""
    status = Path(f"/proc/{pause_pid(namespace, pod)}/status").read_text(encoding="ascii")
    parent = next(line for line in status.splitlines() if line.startswith("PPid:"))
    os.kill(int(parent.split()[1]), signal.SIGKILL)


def kill_container(namespace: str, pod: str, container: str) -> None:
    os.kill(container_pid(namespace, pod, container), signal.SIGKILL)


def _select(namespace: str, pod: str, kind: str) -> str:
    labels = {
        "io.cri-containerd.kind": kind,
        "io.kubernetes.pod.namespace": namespace,
        "io.kubernetes.pod.name": pod,
    }
    return ",".join(f'labels."{name}"=={value}' for name, value in labels.items())


def _pid(chosen: str, what: str) -> int:
    """The process of the one running task among the containers that a filter of containerd's chooses."""
    _check()
    containers = set(images.ctr("containers", "list", "--quiet", chosen).split())
    for line in images.ctr("tasks", "list").splitlines()[1:]:
        name, pid, state = line.split()
        if name in containers and state == "RUNNING":
            return int(pid)
    raise ClusterError(f"{what} has no running process")


def _check() -> None:
    if choice.name() != "embedded":
        raise ClusterError(f"CLUSTER={choice.name()}: faults are injected into the embedded cluster alone")
