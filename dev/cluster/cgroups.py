"""The cgroup below which all Pods live, in version 1 (one tree for each controller) and version 2 (one tree)."""

import os
import shutil
from pathlib import Path

from dev.cluster.places import CGROUP
from dev.cluster.waiting import NotReachedError, until

_MOUNT = Path("/sys/fs/cgroup")
_SECONDS = 5.0


def ensure() -> None:
    """Make the cgroup: the kubelet refuses to start with a root that does not exist."""
    for tree in _trees():
        _pass_controllers_on(tree)
        group = tree / CGROUP
        group.mkdir(exist_ok=True)
        # In version 1 no process can enter a cpuset that has no processors yet.
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (group / name).exists() and (tree / "cgroup.clone_children").exists():
                shutil.copyfile(tree / name, group / name)


def groups() -> list[Path]:
    """Our cgroups, the innermost first."""
    found = []
    for tree in _trees():
        for folder, _, _ in os.walk(tree / CGROUP, topdown=False):
            found.append(Path(folder))
    return found


def processes() -> list[int]:
    pids: set[int] = set()
    for group in groups():
        try:
            pids |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
        except OSError:  # removed meanwhile
            continue
    return sorted(pids)


def remove() -> None:
    """Remove the empty cgroups; one whose last process is just ending says busy for a moment."""
    try:
        until("the Pods' cgroups removed", _try_to_remove, seconds=_SECONDS)
    except NotReachedError:
        return  # what is left is listed at the end


def _pass_controllers_on(tree: Path) -> None:
    """In version 2 a cgroup has the controllers that its parent passes on, and the kubelet wants all there are."""
    available = tree / "cgroup.controllers"
    for name in available.read_text().split() if available.exists() else []:
        try:
            (tree / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError:  # some cannot be passed on; the kubelet names those it misses
            continue


def _try_to_remove() -> bool:
    left = groups()
    for group in left:
        try:
            group.rmdir()
        except OSError:
            continue
    return not left


def _trees() -> list[Path]:
    if (_MOUNT / "cgroup.controllers").exists():
        return [_MOUNT]
    # A link stands beside each tree that holds two controllers. `unified` is version 2 beside version 1; the kubelet
    # makes no cgroup there, but runc does.
    return [folder for folder in sorted(_MOUNT.iterdir()) if folder.is_dir() and not folder.is_symlink()]
