"""What the script left, to objects: every output is walked once, then small files are sent first, large ones after."""

from __future__ import annotations

from collections import Counter

from processing_agent.archive import Archive
from processing_agent.engines import Put, PutStream
from processing_agent.light import TYPE_CHECKING, Path
from processing_agent.logs import log
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.names import shown, why_unsendable
from processing_agent.spool import Spool, SpoolWriter
from processing_agent.tally import MOST_ERRORS, Item, Tally
from processing_agent.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from processing_agent.engines import Engine
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.plan import Output
    from processing_agent.progress import Counts

SMALL = 8 << 20  # bytes: when the container is being ended, many small results are worth more than half of a large one
ARCHIVE = -1  # stands for the size of an object that nobody knows yet
DENIALS = 10  # in a row: the next 100,000 files of that output would be denied as well
HOPELESS = {Kind.DENIED, Kind.NO_BUCKET}


class OutputTally(Tally):
    """Counts, and gives an output up when the store will take nothing of it."""

    def __init__(self, items: Sequence[Item], counts: Counts) -> None:
        super().__init__(items, counts)
        self._denied: Counter[int] = Counter()

    def finished(self, ordinal: int, size: int, verified: str) -> None:
        """See `Observer`."""
        self._denied.pop(self._owners[ordinal], None)
        super().finished(ordinal, size, verified)

    def fault(self, index: int, fault: StoreFault) -> None:
        """Take note of a failure."""
        if fault.kind in HOPELESS:
            self._denied[index] += DENIALS if fault.kind is Kind.NO_BUCKET else 1
        super().fault(index, fault)

    def given_up(self, index: int) -> bool:
        """Tell whether trying on is useless."""
        return self._denied[index] >= DENIALS


class Outputs:
    """One run over the outputs that are to be sent. An earlier run's walk and what it sent are not done again."""

    def __init__(
        self, outputs: Sequence[Output], workspace: Beneath, state: Path, *, journal: Journal, tally: OutputTally
    ) -> None:
        self._outputs, self._workspace, self._state = outputs, workspace, state
        self._journal, self._tally = journal, tally
        self._spool = Spool(state / "files.spool")
        self.warnings: list[str] = []
        self.found: list[int] = []  # files below each output

    def run(self, engine: Engine) -> None:
        """Send everything; failures are in the tally.

        Raises:
            TimeUp, StopAsked: by the watch.
        """
        resumed = self._spool.exists() and "walked" in self._journal.marks
        if not resumed:
            self._walk_all()
        self._recall()
        doubtful = engine.in_flight if resumed else 0
        for small in (True, False):
            engine.put(self._requests(small=small, doubtful=doubtful), self._workspace, self._journal)

    def _walk_all(self) -> None:
        writer = SpoolWriter(self._state / "files.spool")
        try:
            walked = [self._walk(index, writer) for index in range(len(self._outputs))]
            self._journal.mark("walked", walked)
            writer.commit()
        finally:
            writer.close()

    def _walk(self, index: int, writer: SpoolWriter) -> dict[str, Any]:
        output = self._outputs[index]
        walk = Walk(self._workspace, output.base, self._state)
        files = size = bad = 0
        errors: list[str] = []
        for found in walk.files():
            files += 1
            why = "" if output.archive else why_unsendable(output.uri.beneath(found.relative))
            if why:
                bad += 1
                errors.append(f"file {shown(found.relative)} cannot be an object: {why}")
                del errors[MOST_ERRORS:]
            elif not output.archive:
                writer.add([found.relative, index, found.size])
                size += found.size
        if output.archive and files:
            writer.add([output.archive, index, ARCHIVE])
        errors += [f"{what} (of output {output.name!r}) cannot be read" for what in walk.unreadable]
        objects = min(files, 1) if output.archive else files - bad
        return {
            "files": files,
            "objects": objects,
            "bytes": size,
            "errors": errors[:MOST_ERRORS],
            "failures": bad + walk.unread,
            "skipped": dict(walk.skipped),
        }

    def _recall(self) -> None:
        """Take the walk's findings, and what was sent before, into the counts."""
        walked = self._journal.marks["walked"]
        counts = self._tally.counts
        counts.total_objects = sum(facts["objects"] for facts in walked)
        archives = any(output.archive for output in self._outputs)
        counts.total_bytes = None if archives else sum(facts["bytes"] for facts in walked)
        for index, facts in enumerate(walked):
            self.found.append(facts["files"])
            for error in facts["errors"]:
                self._tally.fault(index, StoreFault(Kind.LOCAL, error))
            self._tally.items[index].failures = facts["failures"]
            self._warn_of_skipped(self._outputs[index], facts["skipped"])
        for ordinal, (_relative, index, size) in self._spool:
            if self._journal.is_done(ordinal):
                self._tally.resumed(index, max(0, size))

    def _warn_of_skipped(self, output: Output, skipped: dict[str, int]) -> None:
        if skipped:
            kinds = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(skipped.items()))
            text = f"output {output.name!r}: not uploaded, since only regular files are: {kinds}"
            self.warnings.append(text)
            log("warning", text)

    def _requests(self, *, small: bool, doubtful: int) -> Iterator[Put | PutStream]:
        for ordinal, (relative, index, size) in self._spool:
            if (0 <= size <= SMALL) is not small or self._journal.is_done(ordinal):
                continue
            output = self._outputs[index]
            if self._tally.given_up(index):
                self._tally.items[index].failures += 1
                continue
            self._tally.begin(ordinal, index)
            if size == ARCHIVE:
                archive = Archive(self._workspace, output.base, self._state / f"members-{index}.spool")
                yield PutStream(ordinal, output.uri.bucket, output.uri.beneath(relative), archive.open)
            else:
                key, path = output.uri.beneath(relative), f"{output.base}/{relative}"
                yield Put(ordinal, output.uri.bucket, key, path, size, doubtful=doubtful > 0)
                doubtful -= 1
