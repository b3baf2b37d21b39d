"""What the embedded cluster has on the machine, and removing it also after a `kill -9` of everything."""

from pathlib import Path

from dev.cluster import cgroups, firewall, network, processes
from dev.cluster.commands import run
from dev.cluster.components import COMPONENTS
from dev.cluster.places import RUN, STATE

_UNMOUNT_ROUNDS = 3
_SHIM_SOCKETS = Path("/run/containerd/s")


def find() -> list[str]:
    """A line for each process, mount, cgroup, link and firewall rule of ours that the machine has."""
    return [
        *(f"process {pid} ({name})" for name in COMPONENTS for pid in processes.find(name)),
        *(f"process {pid} (shim)" for pid in processes.find_shims()),
        *(f"process {pid} (Pod)" for pid in cgroups.processes()),
        *(f"mount {path}" for path in mounts()),
        *(f"cgroup {path}" for path in cgroups.groups()),
        *(f"link {name}" for name in network.links()),
        *(f"rule {rule}" for rule in firewall.rules()),
    ]


def mounts() -> list[str]:
    """Our mounts, the innermost first. Pods' network namespaces are among them."""
    points = [line.split()[4].replace("\\040", " ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = {point for point in points if point.startswith((f"{STATE}/", f"{RUN}/"))}
    return sorted(ours, key=len, reverse=True)


def remove_shim_sockets() -> None:
    """Remove the sockets of dead shims, whose folder is a constant of containerd's and so shared with other ones."""
    if not _SHIM_SOCKETS.exists():
        return
    alive = Path("/proc/net/unix").read_text()
    for path in _SHIM_SOCKETS.iterdir():
        if str(path) not in alive:
            path.unlink(missing_ok=True)
    for folder in (_SHIM_SOCKETS, _SHIM_SOCKETS.parent):
        if not any(folder.iterdir()):
            folder.rmdir()


def remove_mounts() -> None:
    # mounts can lie above one another at the same path
    for _ in range(_UNMOUNT_ROUNDS):
        for path in mounts():
            run("umount", "--lazy", path, check=False)
