"""Bootstrapping Debian's base image out of packages, where no registry is reached.

The packages come from where the machine's own do: its sources are read and written into no image.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import run

SUITE = "trixie"
BASE = f"debian:{SUITE}-slim"
_APT = Path("/etc/apt")
# Suites by which a machine's source is known to be an archive of Debian itself, and not for instance of a vendor.
_SUITES = re.compile(r"(bullseye|bookworm|trixie|forky|sid|stable|testing|unstable|oldstable)(-updates)?")
# what the official slim image leaves out
_EXCLUDED = ("doc/*", "info/*", "linda/*", "lintian/*", "locale/*", "man/*")


@dataclass(frozen=True)
class Source:
    """One entry of apt's lists."""

    address: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def bootstrap(archive: Path) -> None:
    """Make a tar archive of a minimal system (14 s)."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    address = mirror()
    # packages for TLS are needed in the base only where the machine's source is reached by it
    include = ["--include=ca-certificates"] if address.startswith("https:") else []
    exclude = [f"--dpkgopt=path-exclude=/usr/share/{path}" for path in _EXCLUDED]
    hooks = ["--customize-hook=rm -f $1/etc/apt/sources.list $1/etc/resolv.conf"]
    options = ["--quiet", "--mode=root", "--variant=minbase", *include, *exclude, *hooks]
    # without an address mmdebstrap takes Debian's own
    source = [f"deb {address} {SUITE} main"] if address else []
    run("mmdebstrap", *options, SUITE, archive, *source)


def write_sources(folder: Path) -> Path:
    """Write the package sources that builds see, as apt's `sources.list.d`."""
    folder.mkdir(parents=True, exist_ok=True)
    address = mirror()
    if address:
        (folder / "machine.list").write_text(f"deb {address} {SUITE} main\n")
    return folder


def mirror() -> str:
    """The address of the archive that the machine's packages come from; empty if it is none of Debian."""
    for source in machine_sources(_APT):
        if "main" in source.components and any(_SUITES.fullmatch(suite) for suite in source.suites):
            return source.address
    return ""


def machine_sources(folder: Path) -> Iterator[Source]:
    """The entries of `sources.list` and `sources.list.d`, in both of apt's formats."""
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.exists():
            yield from _one_line_sources(path.read_text())
    for path in sorted((folder / "sources.list.d").glob("*.sources")):
        yield from _stanza_sources(path.read_text())


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        words = re.sub(r"\[.*?\]", "", line.split("#", 1)[0]).split()
        match words:
            case ["deb", address, suite, *components]:
                yield Source(address, (suite,), tuple(components))


def _stanza_sources(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {name.lower(): value.split() for name, _, value in (line.partition(":") for line in lines)}
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
            suites, components = tuple(fields.get("suites", [])), tuple(fields.get("components", []))
            for address in fields.get("uris", []):
                yield Source(address, suites, components)
