"""One real node on this machine, without systemd, a container engine or a registry.

One at a time: addresses, ports and folders are fixed. The state belongs to the machine, so any clone with any cache
finds the running cluster and uses it.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dev.cluster import (
    api,
    build,
    cgroups,
    config,
    firewall,
    images,
    leftovers,
    locks,
    network,
    packages,
    pki,
    processes,
)
from dev.cluster.components import COMPONENTS, CONTROL_PLANE, NODE_PROGRAMS
from dev.cluster.errors import ClusterError
from dev.cluster.places import BIN, CONF, LOCK, RUN, STATE, kubeconfig
from dev.cluster.steps import say, step
from dev.cluster.waiting import NotReachedError, until

# What a new cluster must not inherit. Images and certificates are kept.
_PER_RUN = ("etcd", "kubelet", "log", "podlogs")
_STOP_SECONDS = 10.0
_OTHER = "another start or end of the embedded cluster"


def up() -> None:
    """Build what is missing, start what does not run, and wait until the node is Ready."""
    _check_root()
    packages.ensure(packages.RUNTIME)
    if build.missing(build.programs()):
        packages.ensure(packages.BUILD)
    build.ensure()
    with locks.hold(LOCK, _OTHER):
        if healthy():
            say("the embedded cluster runs already: it is used as it is")
        else:
            _start()
        write_kubeconfig()


def down(*, wipe: bool = False) -> None:
    """End everything and remove what the cluster made on the machine, also after a `kill -9` of all of it.

    Args:
        wipe: forget the certificates and the loaded images too.

    Raises:
        ClusterError: something is left.
    """
    _check_root()
    with locks.hold(LOCK, _OTHER):
        with step("the embedded cluster ended"):
            _stop()
        if wipe:
            _wipe()
        kubeconfig().unlink(missing_ok=True)
        left = leftovers.find()
    if left:
        raise ClusterError("left behind on this machine:\n" + "\n".join(left))
    say("nothing is left behind: no process, mount, cgroup, link or firewall rule")


def status() -> None:
    for component in COMPONENTS:
        pids = processes.find(component)
        say(f"{component:24} {_memory(pids[0]) if pids else 'does not run'}")


def load(archives: Sequence[Path]) -> None:
    if not processes.find("containerd"):
        raise ClusterError("the embedded cluster does not run: `python -m dev.cluster up` starts it")
    for archive in archives:
        images.load(archive)


def healthy() -> bool:
    """Whether every component runs and the node is Ready."""
    if not all(processes.find(component) for component in COMPONENTS):
        return False
    try:
        return api.server_ready() and api.node_ready() and api.kubelet_healthy() and api.name_resolves()
    except (OSError, ValueError, KeyError):
        return False


def write_kubeconfig() -> None:
    pki.write_private(kubeconfig(), (CONF / "admin.kubeconfig").read_text())


def _start() -> None:
    begin = time.monotonic()
    running = [component for component in COMPONENTS if processes.find(component)]
    if running:
        say(f"starting what ended: {', '.join(c for c in COMPONENTS if c not in running) or 'nothing'}")
    else:
        _begin_anew()
    with step("programs, certificates, configuration, network"):
        _prepare()
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for component in ("containerd", "etcd", "kube-apiserver"):
        processes.start(component)
    _wait("containerd answers", images.answers, ["containerd"])
    images.load_pause(BIN / "pause")
    _wait("the API server is ready", api.server_ready, ["etcd", "kube-apiserver"])
    for component in (*CONTROL_PLANE, *NODE_PROGRAMS):
        processes.start(component)
    _wait("the kubelet is healthy", api.kubelet_healthy, COMPONENTS)
    if running and "kubelet" not in running:
        # The stored Ready can be 40 s old. On a first start the lease comes 10 s later than Ready.
        _wait("the kubelet has renewed its lease", lambda: api.lease_renewed(since), COMPONENTS)
    _wait("the node is Ready", api.node_ready, COMPONENTS)
    # Pods are refused until the controller manager has made it.
    _wait("the default service account exists", api.default_account_exists, COMPONENTS)
    _wait("the cluster's DNS answers", api.name_resolves, COMPONENTS)
    say(f"[{time.monotonic() - begin:6.2f} s] the embedded cluster is ready, in all")


def _begin_anew() -> None:
    if leftovers.find():
        with step("removed what an earlier cluster left behind"):
            _stop()
    for name in _PER_RUN:
        shutil.rmtree(STATE / name, ignore_errors=True)


def _prepare() -> None:
    for folder in (STATE, RUN, CONF):
        folder.mkdir(parents=True, exist_ok=True)
    _install_programs()
    pki.ensure()
    config.write_all(packages.cni_plugins())
    network.ensure()
    cgroups.ensure()


def _install_programs() -> None:
    """Link the built programs into the state folder: the cluster then outlives the cache it was built in."""
    BIN.mkdir(parents=True, exist_ok=True)
    for program in build.programs():
        for name in program.makes:
            _install(build.bin_folder() / name, BIN / name)
        for name in program.links:
            if not (BIN / name).is_symlink():
                (BIN / name).symlink_to(program.makes[0])


def _install(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(source)
    except OSError:  # another file system
        shutil.copy2(source, new)
    new.replace(target)


def _stop() -> None:
    # The kubelet first, so that it starts nothing again; the Pods before containerd, which then notes their end.
    for component in ("kubelet", "kube-proxy", "coredns"):
        processes.end(component)
    processes.kill_all(cgroups.processes, "Pods")
    _forget_containers()
    for component in reversed(COMPONENTS):
        processes.end(component)
    processes.kill_all(processes.find_shims, "shims")
    leftovers.remove_shim_sockets()
    leftovers.remove_mounts()
    network.remove_links()
    firewall.remove_rules()
    cgroups.remove()
    shutil.rmtree(RUN, ignore_errors=True)


def _wipe() -> None:
    for path in STATE.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path != LOCK:  # others may be waiting for it
            path.unlink()


def _forget_containers() -> None:
    """Remove the records of containers, that would otherwise come up again with the images' store."""
    if not (RUN / "containerd").exists():
        return
    if not processes.find("containerd"):
        # It was killed. Its shims live on and would be taken over by the one that is started for the records.
        processes.kill_all(processes.find_shims, "shims")
        processes.start("containerd")
    try:
        until("containerd answers", images.answers, seconds=_STOP_SECONDS)
    except NotReachedError as error:
        say(f"warning: {error}; the records of its containers stay")
        return
    # containerd is removing the ended ones by itself meanwhile
    for command, subcommand in (("tasks", ("remove", "--force")), ("containers", ("remove",))):
        for name in images.ctr(command, "list", "--quiet").split():
            images.ctr(command, *subcommand, name, check=False)


def _wait(what: str, reached: Callable[[], bool], alive: Sequence[str]) -> None:
    with step(what):
        until(what, reached, check=lambda: processes.check_alive(*alive))


def _memory(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
    return f"process {pid}, {kilobytes // 1024} MiB"


def _check_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError(
            "CLUSTER=embedded needs root: it mounts and makes network namespaces. Run it with sudo, or choose "
            "CLUSTER=kind (needs kind and Docker) or CLUSTER=current (the kubeconfig in use)."
        )
