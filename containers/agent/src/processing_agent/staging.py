"""What fetch writes that is not in S3: ConfigMaps, inline files, the job's description, the launcher, directories."""

from __future__ import annotations

import os

from processing_agent.layout import WORKSPACE
from processing_agent.light import TYPE_CHECKING, Path
from processing_agent.quick_json import SPACED, dumps
from processing_agent.s3.collisions import Claim, KeyCollision
from processing_agent.s3.names import UnsafeKey, shown, why_unsafe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from processing_agent.layout import Layout
    from processing_agent.paths import Beneath
    from processing_agent.plan import Input, Plan

EXECUTABLE = 0o755
LOCK_MODE = 0o644
SENT_AT_ONCE = 1 << 30
CONFIG, OUTPUT = "config", "output"  # SageMaker's own directories in /opt/ml


class MissingConfigMap(Exception):  # noqa: N818 - named for what is so
    """A ConfigMap, or a key in it, is not there (yet)."""


class NoCertificate(Exception):  # noqa: N818 - named for what is so
    """What should be certificates is none."""


def config_map_keys(layout: Layout, source: Input) -> list[tuple[str, Path]]:
    """Give a ConfigMap's keys and their files.

    The kubelet's `..data` tree is left out: a key cannot begin with two dots.

    Raises:
        MissingConfigMap: no keys. An optional volume of a ConfigMap that is not there is an empty directory.
    """
    assert source.config_map is not None  # noqa: S101 - for the type checker
    return _keys_of(source.config_map.name, f"input {source.name!r}", layout.of(source.config_map.directory))


def _keys_of(name: str, user: str, directory: Path) -> list[tuple[str, Path]]:
    try:
        keys = sorted(entry.name for entry in directory.iterdir() if not entry.name.startswith(".."))
    except OSError:
        keys = []
    if not keys:
        raise MissingConfigMap(
            f"ConfigMap {name!r} of {user} is not there or has no keys: create it in the job's namespace"
        )
    return [(key, directory / key) for key in keys]


def check_ca_bundle(layout: Layout, plan: Plan) -> None:
    """Look whether the certificates of `s3.caBundle` are there, and are any, before a connection needs them.

    Raises:
        MissingConfigMap: the ConfigMap is not there, or lacks the key.
        NoCertificate: the key's value is none.
    """
    if plan.ca_bundle is None:
        return
    name, key = plan.ca_bundle.config_map, plan.ca_bundle.key
    files = dict(_keys_of(name, "s3.caBundle", layout.ca_bundle))
    if key not in files:
        raise MissingConfigMap(
            f"ConfigMap {name!r} of s3.caBundle has no key {key!r} (it has: {', '.join(files)}): add it"
        )
    import ssl  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(files[key])
    except ssl.SSLError:
        raise NoCertificate(
            f"key {key!r} of ConfigMap {name!r} (s3.caBundle) holds no certificate in PEM form: put there what begins "
            "with -----BEGIN CERTIFICATE-----, of the authority that signed the store's certificate"
        ) from None


def inline_files(source: Input) -> dict[str, str]:
    """Give an inline input's files, their names checked.

    Raises:
        UnsafeKey: a name that is no file below the input's path.
    """
    files = source.inline or {}
    for name in files:
        if why := why_unsafe(name, source.path):
            raise UnsafeKey(f"inline file {shown(name)} of input {source.name!r} cannot be written: {why}")
    return files


def claims(plan: Plan, layout: Layout) -> Iterator[Claim]:
    """Name what will be in the workspace besides objects, so that no object takes its place."""
    for source in plan.inputs:
        yield Claim(source.base, True, f"input {source.name!r}")
        if source.config_map is not None:
            for key, _ in config_map_keys(layout, source):
                what = f"key {key} of ConfigMap {source.config_map.name!r}"
                yield Claim(f"{source.base}/{key}", False, what)
        for name in inline_files(source):
            yield Claim(f"{source.base}/{name}", False, f"inline file {shown(name)}")
    for output in plan.outputs:
        yield Claim(output.base, True, f"output {output.name!r}")


def write_small_input(source: Input, layout: Layout, workspace: Beneath) -> list[int]:
    """Copy a ConfigMap's keys, or write inline files: regular and writable. Gives their sizes."""
    if source.config_map is not None:
        contents = [(key, path.read_bytes()) for key, path in config_map_keys(layout, source)]
    else:
        contents = [(name, text.encode()) for name, text in inline_files(source).items()]
    for name, content in contents:
        workspace.write_whole(f"{source.base}/{name}", content)
    return [len(content) for _, content in contents]


def write_config(config: dict[str, Any], workspace: Beneath) -> None:
    """Write the files of /opt/ml/config, ready as the operator made them."""
    workspace.make_directory(CONFIG)
    for name, value in config.items():
        workspace.write_whole(f"{CONFIG}/{name}", dumps(value, SPACED).encode() + b"\n")


def make_directories(plan: Plan, workspace: Beneath) -> None:
    """Make what the script finds: what it has mounted, its inputs' and outputs' directories and /opt/ml/output.

    Raises:
        KeyCollision: something else is there. The kubelet would mount whatever that is.
    """
    for base in (OUTPUT, *plan.directories, *(i.base for i in plan.inputs), *(o.base for o in plan.outputs)):
        try:
            workspace.make_directory(base)
        except NotADirectoryError:
            raise KeyCollision(f"{WORKSPACE}/{base} is to be a directory, and is none in the workspace") from None


def place_launcher(layout: Layout) -> None:
    """Copy the launcher for the script's container; whole or not at all."""
    target = layout.bin / "launcher"
    partial = layout.bin / ".launcher.partial"
    with layout.launcher.open("rb") as source, partial.open("wb") as copy:
        while os.sendfile(copy.fileno(), source.fileno(), None, SENT_AT_ONCE):
            pass
    partial.chmod(EXECUTABLE)
    partial.replace(target)


def make_lock(layout: Layout) -> None:
    """Make the file on which upload waits for the launcher."""
    path = layout.control / "lock"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, LOCK_MODE)
    os.fchmod(fd, LOCK_MODE)
    os.close(fd)
