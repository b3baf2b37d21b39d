"""The plan that the operator wrote on the Pod: docs/internals/protocol.md. Read leniently, never written."""

from __future__ import annotations

from processing_agent.engines import Store
from processing_agent.layout import WORKSPACE, below_workspace
from processing_agent.light import TYPE_CHECKING, Path, record
from processing_agent.quick_json import loads
from processing_agent.s3.addresses import NOT_INSIDE
from processing_agent.s3.uri import S3Uri, parse

if TYPE_CHECKING:
    from typing import Any

VERSION = 1
TAR_GZ = "TarGz"


class BadPlan(ValueError):  # noqa: N818 - named for what is so
    """The plan cannot be read: operator and agent do not fit together."""


@record(frozen=True, slots=True)
class ConfigMapSource:
    """A ConfigMap's keys as files in `directory`."""

    name: str
    directory: str


@record(frozen=True, slots=True)
class Input:
    """One input: `path` as the script sees it, `base` below the workspace; one of the three sources.

    `shard`: which host of how many this is, where each gets a share of the objects.
    """

    name: str
    path: str
    base: str
    uri: S3Uri | None = None
    config_map: ConfigMapSource | None = None
    inline: dict[str, str] | None = None
    shard: tuple[int, int] | None = None


@record(frozen=True, slots=True)
class Output:
    """One output. `archive`: the object's name if the directory is sent as one."""

    name: str
    path: str
    base: str
    uri: S3Uri
    upload_on: str
    archive: str | None
    required: bool


@record(frozen=True, slots=True)
class CaBundle:
    """The key of a ConfigMap that holds the authorities whom the store's certificate is checked against."""

    config_map: str
    key: str


@record(frozen=True, slots=True)
class Plan:
    """All that fetch and upload need to know. `directories`: what is made below the workspace at first."""

    store: Store
    secret: str | None
    platform_credentials: bool
    ca_bundle: CaBundle | None
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    directories: tuple[str, ...]
    final: bool
    pending_timeout: float
    download_timeout: float
    upload_timeout: float
    stop_grace: float
    config: dict[str, Any]


def read(path: Path, guard: str = NOT_INSIDE) -> Plan:
    """Read the plan. `guard`: of its store, see `s3.addresses`.

    Raises:
        BadPlan: saying what is wrong with it.
    """
    try:
        return parse_plan(path.read_text(encoding="utf-8"), guard)
    except OSError as error:
        raise BadPlan(f"the plan {path} cannot be read: {error.strerror}") from error


def parse_plan(text: str, guard: str = NOT_INSIDE) -> Plan:
    """Parse the plan's JSON; see `read`."""
    try:
        return _plan(loads(text), guard)
    except KeyError as error:
        raise BadPlan(f"the plan has no {error}: are operator and agent of the same version?") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BadPlan(f"the plan cannot be read: {error}") from error


def _plan(raw: dict[str, Any], guard: str) -> Plan:
    if raw["version"] != VERSION:
        raise BadPlan(f"the plan has version {raw['version']}, this agent knows {VERSION}: give both the same version")
    s3 = raw["s3"]
    bundle = s3.get("caBundle")
    return Plan(
        store=Store(s3.get("endpoint"), s3.get("region"), s3.get("addressing") or "Auto", guard=guard),
        secret=s3.get("secretName"),
        platform_credentials=bool(s3["platformCredentials"]),
        ca_bundle=CaBundle(bundle["configMap"], bundle["key"]) if bundle else None,
        inputs=tuple(_input(i) for i in raw["inputs"]),
        outputs=tuple(_output(o) for o in raw["outputs"]),
        directories=tuple(below_workspace(f"{WORKSPACE}/{directory}") for directory in raw["directories"]),
        final=raw.get("final", True),
        pending_timeout=float(raw["pendingTimeoutSeconds"]),
        download_timeout=float(raw["downloadTimeoutSeconds"]),
        upload_timeout=float(raw["uploadTimeoutSeconds"]),
        stop_grace=float(raw["stopGraceSeconds"]),
        config=raw.get("config") or {},
    )


def _input(raw: dict[str, Any]) -> Input:
    name, path = raw["name"], raw["path"]
    base = below_workspace(path)
    if s3 := raw.get("s3"):
        return Input(name, path, base, uri=parse(s3["uri"]), shard=_shard(name, s3.get("shard")))
    if config_map := raw.get("configMap"):
        return Input(name, path, base, config_map=ConfigMapSource(config_map["name"], config_map["dir"]))
    return Input(name, path, base, inline=dict(raw["inline"]))


def _shard(name: str, raw: dict[str, int] | None) -> tuple[int, int] | None:
    if raw is None:
        return None
    index, count = raw["index"], raw["count"]
    if not 0 <= index < count:
        raise BadPlan(f"input {name}: shard {index} of {count} cannot be: it counts from 0")
    return index, count


def _output(raw: dict[str, Any]) -> Output:
    archive = raw.get("archive")
    if archive and archive["format"] != TAR_GZ:
        raise BadPlan(f"output {raw['name']}: archive format {archive['format']} is not known")
    return Output(
        name=raw["name"],
        path=raw["path"],
        base=below_workspace(raw["path"]),
        uri=parse(raw["uri"]),
        upload_on=raw.get("uploadOn") or "Always",
        archive=archive["name"] if archive else None,
        required=bool(raw.get("required")),
    )
