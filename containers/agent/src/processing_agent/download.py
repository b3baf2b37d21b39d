"""Objects below S3 addresses to files below directories: list, check everything, then fetch."""

from __future__ import annotations

import heapq

from processing_agent.engines import Engine, Get
from processing_agent.light import TYPE_CHECKING, Path, record
from processing_agent.logs import log
from processing_agent.s3.collisions import Claim, check
from processing_agent.s3.landing import land
from processing_agent.s3.names import shown
from processing_agent.shards import Deal, in_key_order
from processing_agent.spool import Spool, SpoolWriter
from processing_agent.tally import FAILED, NOT_REACHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from processing_agent.engines import Listed
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.uri import S3Uri
    from processing_agent.spool import Entry
    from processing_agent.tally import Tally

TEMPORARY = ".processing-fetch"  # in the workspace's root, so that a rename never crosses a file system
BLOCK = 512  # bytes: st_blocks' unit, whatever the file system's is


class NothingFound(Exception):  # noqa: N818 - named for what is so
    """No object begins with the address."""


class TooLarge(Exception):  # noqa: N818 - named for what is so
    """The objects do not fit on the disk."""


@record(frozen=True, slots=True)
class Source:
    """One input. `path`: as the script sees it; `base`: the same below the workspace.

    `shard`: index and count of hosts among which the objects are dealt out; None: this host gets all.
    """

    uri: S3Uri
    path: str
    base: str
    shard: tuple[int, int] | None = None


@record(frozen=True, slots=True)
class ObjectName:
    """An object, named only when it has to be."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"object s3://{self.bucket}/{shown(self.key)}"


class Download:
    """One run over all sources. What an earlier run listed and fetched stands in `state` and is not done again."""

    def __init__(
        self,
        sources: Sequence[Source],
        workspace: Beneath,
        state: Path,
        *,
        engine: Engine,
        journal: Journal,
        tally: Tally,
    ) -> None:
        self._sources, self._workspace, self._engine = sources, workspace, engine
        self._journal, self._tally = journal, tally
        self._spool = Spool(state / "objects.spool")
        self._state = state
        self.warnings: list[str] = list(journal.marks.get("warnings", ()))

    def run(self, others: Sequence[Claim] = ()) -> None:
        """Do it all. `others`: what else will be written, and directories that must stay directories.

        Raises:
            UnsafeKey, KeyCollision, NothingFound, TooLarge, StoreFault, StopAsked, TimeUp: see there.
        """
        if not self._spool.exists() or "totals" not in self._journal.marks:
            self._list(others)
        objects, size = self._journal.marks["totals"]
        self._tally.counts.total_objects, self._tally.counts.total_bytes = objects, size
        self._prepare()
        self._engine.fetch(self._missing(), self._workspace, self._journal)
        self._workspace.remove_tree(TEMPORARY)

    def _list(self, others: Sequence[Claim]) -> None:
        writer = SpoolWriter(self._state / "objects.spool")
        try:
            objects = total = 0
            for index, item in enumerate(self._tally.items):
                item.state = FAILED  # until the whole listing is known to be good
                for size in self._list_source(index, writer):
                    objects, total = objects + 1, total + size
                item.state = NOT_REACHED
            check(heapq.merge(map(self._claim, writer.in_order()), sorted(others, key=_order), key=_order))
            self._journal.mark("totals", [objects, total])
            self._journal.mark("warnings", self.warnings)
            writer.commit()
        finally:
            writer.close()

    def _list_source(self, index: int, writer: SpoolWriter) -> Iterator[int]:
        source = self._sources[index]
        deal = Deal(source.shard)
        found = siblings = 0
        for key, size, etag in self._listed(source):
            landing = land(source.uri.key, key, size, source.path)
            path = f"{source.base}/{landing.relative}".strip("/")
            is_ours = landing.is_directory or deal.next_is_ours()
            writer.add([path, int(landing.is_directory), index, key, size, etag, int(is_ours)])
            found += 1
            siblings += landing.is_sibling
            if is_ours and not landing.is_directory:
                yield size
        if not found:
            raise NothingFound(f"no object begins with {source.uri}: check bucket {source.uri.bucket} and the prefix")
        if 0 < siblings < found:
            self._warn(
                f"{source.uri} is a name's beginning for {siblings} of {found} objects, which are taken too: "
                f"end it with a slash to take only what is below it"
            )

    def _listed(self, source: Source) -> Iterator[Listed]:
        listing = self._engine.list(source.uri.bucket, source.uri.key)
        return listing if source.shard is None else in_key_order(listing, self._state / "sharded.spool")

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        log("warning", text)

    def _claim(self, entry: Entry) -> Claim:
        path, is_directory, index, key, *_ = entry
        what = ObjectName(self._sources[index].uri.bucket, key)
        return Claim(path, bool(is_directory), what)

    def _prepare(self) -> None:
        """Make directories, finish what was only to be renamed, and compare sizes with the room there is."""
        self._workspace.make_directory(TEMPORARY)
        partial = self._partial()
        missing = 0
        for ordinal, (path, is_directory, index, _key, size, _etag, is_ours) in self._spool:
            if not is_ours:
                continue
            if is_directory:
                self._workspace.make_directory(path)
            elif self._journal.is_done(ordinal):
                if ordinal in partial:
                    self._workspace.rename(f"{TEMPORARY}/{ordinal}", path)
                self._tally.resumed(index, size)
            else:
                missing += max(0, size - partial.get(ordinal, 0))
        free = self._workspace.free_bytes()
        if missing > free:
            raise TooLarge(f"the inputs need {missing} bytes, {free} are free: make workspace.size larger")

    def _partial(self) -> dict[int, int]:
        """Give what an earlier run left unfinished: ordinals, and the bytes that they occupy."""
        return {
            int(name): status.st_blocks * BLOCK
            for name in self._workspace.names(TEMPORARY)
            if name.isdigit() and (status := self._workspace.status(f"{TEMPORARY}/{name}"))
        }

    def _missing(self) -> Iterator[Get]:
        for ordinal, (path, is_directory, index, key, size, etag, is_ours) in self._spool:
            if is_ours and not is_directory and not self._journal.is_done(ordinal):
                self._tally.begin(ordinal, index)
                bucket = self._sources[index].uri.bucket
                yield Get(ordinal, bucket, key, size, etag, f"{TEMPORARY}/{ordinal}", path)


def _order(claim: Claim) -> tuple[str, bool]:
    return claim.path, claim.is_directory
