"""Finding and removing the rules of kube-proxy, the kubelet and the network plugins.

The rules of other programs stay, also those that are made meanwhile: each of ours is deleted by its own text, and all
of a table in one transaction.
"""

import re
import shlex
import shutil
from collections import defaultdict
from dataclasses import dataclass, field

from dev.cluster.commands import run
from dev.cluster.places import NETWORK

_FAMILIES = ("iptables", "ip6tables")
_CHAIN = re.compile(r"^:(\S+) ")


@dataclass
class Table:
    """What of a table is ours."""

    chains: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def rules() -> list[str]:
    """Our chains, and our rules in chains that are not ours, as `iptables-save` writes them."""
    found = []
    for family in _FAMILIES:
        for name, table in _ours(family).items():
            found += [f"{family} {name}: {text}" for text in table.chains + table.rules]
    return found


def remove_rules() -> None:
    for family in _FAMILIES:
        if tables := _ours(family):
            run(f"{family}-restore", "--noflush", text=removal(tables), check=False)


def _ours(family: str) -> dict[str, Table]:
    if not shutil.which(f"{family}-save"):
        return {}
    return parse(run(f"{family}-save", check=False).stdout)


def parse(saved: str) -> dict[str, Table]:
    """Our chains and rules by table, out of `iptables-save`."""
    network_chains = _network_chains(saved)
    tables: dict[str, Table] = defaultdict(Table)
    name = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            name = line[1:]
        elif chain := _CHAIN.match(line):
            if _is_ours(chain[1], network_chains):
                tables[name].chains.append(chain[1])
        elif line.startswith("-A ") and _jumps_to_ours(line, network_chains):
            tables[name].rules.append(line)
    return dict(tables)


def _network_chains(saved: str) -> set[str]:
    """The chains `CNI-<hash>` of our network: other networks' have names of the same form."""
    chains = set()
    for line in saved.splitlines():
        if line.startswith("-A ") and f'name: \\"{NETWORK}\\"' in line:
            words = shlex.split(line)
            chains |= {words[1], words[words.index("-j") + 1]}
    return {chain for chain in chains if chain.startswith("CNI-")}


def _is_ours(chain: str, network_chains: set[str]) -> bool:
    return chain.startswith("KUBE-") or chain in network_chains


def _jumps_to_ours(line: str, network_chains: set[str]) -> bool:
    words = shlex.split(line)
    target = words[words.index("-j") + 1] if "-j" in words else ""
    return _is_ours(target, network_chains) and not _is_ours(words[1], network_chains)


def removal(tables: dict[str, Table]) -> str:
    """The input of `iptables-restore --noflush` that removes them."""
    lines = []
    for name, table in tables.items():
        lines.append(f"*{name}")
        lines += [f":{chain} - [0:0]" for chain in table.chains]  # empties it
        lines += [f"-D {rule.removeprefix('-A ')}" for rule in table.rules]
        lines += [f"-X {chain}" for chain in table.chains]
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"
