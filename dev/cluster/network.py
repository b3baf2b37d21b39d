"""The node's address, the kernel settings that Pods need, and the removal of what the network plugins made."""

import shutil
from pathlib import Path

from dev.cluster.commands import run
from dev.cluster.places import NODE_ADDRESS, NODE_LINK, POD_LINK
from dev.cluster.steps import say

_LINKS = Path("/sys/class/net")
# Left as they are at the end: other programs may rely on them by then.
_SETTINGS = {
    "net/ipv4/ip_forward": 1,
    "net/bridge/bridge-nf-call-iptables": 1,
    # each container manager, kubelet and log follower holds some; the usual 128 a user is soon reached
    "fs/inotify/max_user_instances": 8192,
}


def ensure() -> None:
    if not (_LINKS / NODE_LINK).exists():
        run("ip", "link", "add", NODE_LINK, "type", "bridge")
        run("ip", "addr", "add", f"{NODE_ADDRESS}/32", "dev", NODE_LINK)
        run("ip", "link", "set", NODE_LINK, "up")
    if shutil.which("modprobe"):  # a kernel without modules has all of it built in
        for module in ("br_netfilter", "overlay"):
            run("modprobe", module, check=False)
    for name, least in _SETTINGS.items():
        _raise_setting(Path("/proc/sys") / name, least)


def _raise_setting(path: Path, least: int) -> None:
    try:
        if int(path.read_text()) < least:
            path.write_text(f"{least}\n")
    except OSError as error:
        say(f"warning: the kernel setting {path} cannot be set to {least}: {error}")


def links() -> list[str]:
    """Our links, with those that Pods have on the Pods' bridge."""
    ports = _LINKS / POD_LINK / "brif"
    names = [port.name for port in ports.iterdir()] if ports.exists() else []
    return names + [name for name in (POD_LINK, NODE_LINK) if (_LINKS / name).exists()]


def remove_links() -> None:
    for name in links():
        run("ip", "link", "delete", name, check=False)
