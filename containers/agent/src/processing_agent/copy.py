"""`pj cp`: the engine from a shell, for a whole prefix or directory or one file."""

from __future__ import annotations

import os
import time

from processing_agent.credentials import Environment, shell_endpoint, shell_region
from processing_agent.download import TEMPORARY, Download, NothingFound, Source, TooLarge
from processing_agent.engines import Engine, Put, Store, open_engine
from processing_agent.journal import Journal
from processing_agent.light import TYPE_CHECKING, Path, closing, field, record
from processing_agent.paths import Beneath
from processing_agent.progress import Counts, Progress
from processing_agent.s3.collisions import KeyCollision
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.names import UnsafeKey, shown, why_unsendable
from processing_agent.s3.uri import BadUri, S3Uri, parse
from processing_agent.tally import FirstFault, Item, Tally
from processing_agent.walk import Walk
from processing_agent.watch import TimeUp, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ShowProgress = Callable[[Counts], None]

# what a caller should show as a plain message, without a traceback (besides CopyFailed)
EXPECTED = (BadUri, UnsafeKey, KeyCollision, NothingFound, TooLarge, StoreFault, TimeUp, OSError)


class CopyFailed(Exception):  # noqa: N818 - named for what is so
    """Something was not copied. The text names what, with HTTP and S3 codes; `summary` has what was."""

    def __init__(self, message: str, summary: Summary) -> None:
        super().__init__(message)
        self.summary = summary


@record(slots=True)
class Summary:
    """What was copied. `verified`: how many objects were compared by what (`CRC64NVME`, `MD5`, `length`, ...)."""

    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0
    retries: int = 0
    verified: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def download(
    uri: str,
    directory: str | os.PathLike[str],
    *,
    endpoint: str | None = None,
    region: str | None = None,
    addressing: str = "Auto",
    progress: ShowProgress | None = None,
    timeout: float | None = None,
) -> Summary:
    """Fetch every object below `uri` (or the one object that it names) into `directory`, which is made if need be.

    Args:
        uri: `s3://bucket/prefix`; where each object lands is said in docs: a trailing slash takes only what is below.
        directory: always a directory, also for one object.
        endpoint: absent: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS. Keys, region, profile and AWS_CA_BUNDLE come
            from the AWS variables and files too.
        region: absent: AWS_REGION, AWS_DEFAULT_REGION, the profile, else us-east-1.
        addressing: Path, VirtualHost or Auto.
        progress: called about once a second and at the end, from another thread.
        timeout: seconds until an unavailable store is given up; None: never.

    Raises:
        BadUri, UnsafeKey, KeyCollision, NothingFound, TooLarge: before a byte is written.
        StoreFault: an object failed (its `kind` says why).
        TimeUp: the timeout has passed.
    """
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    source = Source(parse(uri), str(target.absolute()), "")
    tally = FirstFault([Item()], Counts("Downloading"))

    def work(engine: Engine, journal: Journal, state: Path) -> list[str]:
        beneath = Beneath(target)
        try:
            run = Download([source], beneath, state, engine=engine, journal=journal, tally=tally)
            run.run()
            return run.warnings
        finally:
            beneath.remove_tree(TEMPORARY)  # nothing is taken up again from a shell
            beneath.close()

    return _run(
        Store(endpoint or shell_endpoint(), region or shell_region(), addressing), tally, progress, timeout, work
    )


def upload(
    source: str | os.PathLike[str],
    uri: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    addressing: str = "Auto",
    progress: ShowProgress | None = None,
    timeout: float | None = None,
) -> Summary:
    """Send a directory's files to keys below `uri`, or one file.

    One file goes to `uri` itself, or below it under its own name if `uri` ends in a slash or names only a bucket.
    Links, FIFOs, sockets and devices are skipped and counted. For the other arguments see `download`.

    Raises:
        BadUri, FileNotFoundError: before anything is sent.
        CopyFailed: some files failed; the others were sent.
        TimeUp: the timeout has passed.
    """
    target = parse(uri)
    name = Path(source).name
    origin = Path(source).resolve(strict=True)  # a link that was named is meant; those below it are not followed
    tally = Tally([Item()], Counts("Uploading"))
    skipped: dict[str, int] = {}

    def work(engine: Engine, journal: Journal, _state: Path) -> list[str]:
        beneath = Beneath(origin if origin.is_dir() else origin.parent)
        try:
            puts = (
                _directory(beneath, target, tally, skipped) if origin.is_dir() else _file(origin, name, target, tally)
            )
            engine.put(puts, beneath, journal)
        finally:
            beneath.close()
        return []

    store = Store(endpoint or shell_endpoint(), region or shell_region(), addressing)
    summary = _run(store, tally, progress, timeout, work)
    summary.skipped = skipped
    if tally.items[0].failures:
        first = "; ".join(str(fault) for fault in tally.items[0].faults[:2])
        raise CopyFailed(f"{tally.items[0].failures} not copied: {first}", summary)
    return summary


def _run(
    store: Store,
    tally: Tally,
    progress: ShowProgress | None,
    timeout: float | None,
    work: Callable[[Engine, Journal, Path], list[str]],
) -> Summary:
    began = time.monotonic()
    watch = Watch(None if timeout is None else time.time() + timeout)
    with Scratch() as state, closing(Journal(state / "journal", survives_reboot=False)) as journal:
        engine = open_engine(store, Environment(), watch, tally)
        with closing(engine), Progress(tally.counts, progress or (lambda _: None)):
            warnings = work(engine, journal, state)
    item = tally.items[0]
    return Summary(
        objects=item.objects,
        bytes=item.bytes,
        seconds=round(time.monotonic() - began, 3),
        retries=tally.counts.retries,
        verified=dict(tally.verified),
        warnings=warnings,
    )


class Scratch:
    """A directory of our own for a journal and spools, which goes with the block. `tempfile` takes 17 ms to load."""

    def __init__(self) -> None:
        above = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - nobody can guess the name that follows
        self._path = Path(above) / f"processing-copy-{os.urandom(8).hex()}"

    def __enter__(self) -> Path:
        self._path.mkdir(0o700)
        return self._path

    def __exit__(self, *_: object) -> None:
        for path in self._path.iterdir():
            path.unlink()
        self._path.rmdir()


def _file(origin: Path, name: str, target: S3Uri, tally: Tally) -> Iterator[Put]:
    below = not target.key or target.key.endswith("/")
    key = target.beneath(name) if below else target.key
    size = origin.stat().st_size
    tally.counts.total_objects, tally.counts.total_bytes = 1, size
    tally.begin(0, 0)
    yield Put(0, target.bucket, key, origin.name, size)


def _directory(beneath: Beneath, target: S3Uri, tally: Tally, skipped: dict[str, int]) -> Iterator[Put]:
    walk = Walk(beneath, "")
    ordinal = 0
    for found in walk.files():
        key = target.beneath(found.relative)
        if why := why_unsendable(key):
            tally.fault(0, StoreFault(Kind.LOCAL, f"file {shown(found.relative)} cannot be an object: {why}"))
            continue
        tally.begin(ordinal, 0)
        yield Put(ordinal, target.bucket, key, found.relative, found.size)
        ordinal += 1
    for what in walk.unreadable:
        tally.fault(0, StoreFault(Kind.LOCAL, f"cannot be read: {what}"))
    tally.items[0].failures += walk.unread - len(walk.unreadable)
    skipped.update(walk.skipped)
