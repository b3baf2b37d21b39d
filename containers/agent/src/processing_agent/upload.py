"""`processing-agent upload`: waits for the script's end, then sends what it left."""

from __future__ import annotations

import fcntl
import os
import time

from processing_agent.credentials import MissingKeys
from processing_agent.engines import open_engine
from processing_agent.fetch import key_source
from processing_agent.journal import Journal, boot_id
from processing_agent.light import TYPE_CHECKING, closing
from processing_agent.logs import log
from processing_agent.notify import ENDED, STOP, Directories, Sigterm, signalled
from processing_agent.oom import OomWatch
from processing_agent.outputs import Outputs, OutputTally
from processing_agent.paths import Beneath
from processing_agent.plan import BadPlan, Output, Plan, read
from processing_agent.progress import Counts, Progress, print_line
from processing_agent.reasons import of_fetch, of_upload
from processing_agent.record import ExitRecord, read_record, wanted
from processing_agent.result import DONE, FAILED, WAITING, Result, report
from processing_agent.s3.faults import StoreFault
from processing_agent.staging import MissingConfigMap, NoCertificate, check_ca_bundle
from processing_agent.tally import FAILED as ITEM_FAILED
from processing_agent.tally import SKIPPED, Item
from processing_agent.threads import Background, Flag
from processing_agent.watch import TimeUp, Watch

if TYPE_CHECKING:
    from processing_agent.layout import Layout

PATIENCE = 600.0  # s beyond spec.timeouts.pendingSeconds that `started` may take: the operator acts first
LATE = 5.0  # s that a launcher may take beyond spec.timeouts.stopGraceSeconds
LAST_MOMENT = 3.0  # s given to a script that is starting at the moment of a stop or of its Pod's deletion


def run(layout: Layout) -> int:
    """Do it all; give the exit code."""
    ending = Ending(layout)
    with closing(ending.directories), Sigterm(ending.begin):
        try:
            plan = read(layout.podinfo / "plan", layout.guard)
        except BadPlan as error:
            return report(Result(FAILED, "BadPlan", str(error)), layout.termination_log)
        layout.state.mkdir(parents=True, exist_ok=True)
        with closing(Journal(layout.state / "upload.journal", survives_reboot=True)) as journal:
            return report(Upload(layout, plan, journal, ending).result(), layout.termination_log)


class Ending:
    """A container that is being ended: made first, so that no SIGTERM is lost."""

    def __init__(self, layout: Layout) -> None:
        self.watch = Watch()
        self.counts = Counts("Uploading")
        self.directories = Directories([layout.control, layout.podinfo])

    def begin(self) -> None:
        """Cut all waiting short, and say what is still to be done."""
        self.watch.hurry()
        self.directories.wake()
        counts = self.counts
        log("warning", "the container is being ended", objects=counts.objects, totalObjects=counts.total_objects)


class Upload:
    """One run of upload."""

    def __init__(self, layout: Layout, plan: Plan, journal: Journal, ending: Ending) -> None:
        self._layout, self._plan, self._journal = layout, plan, journal
        self._items = [Item() for _ in plan.outputs]
        self._watch, self._directories = ending.watch, ending.directories
        self._tally = OutputTally(self._items, ending.counts)

    def result(self) -> Result:
        """Wait, upload, and turn what happens into a result."""
        if why := self._never_started():
            return Result(FAILED, "ScriptNotStarted", why, self._items)
        print_line(Counts("Waiting"))
        with OomWatch(self._layout.control):
            wait_for_release(self._layout, self._watch.hurried, self._plan.stop_grace + LATE)
        record = read_record(self._layout.control / "record", boot_id())
        chosen = self._choose(record)
        outputs = self._run(chosen)
        if isinstance(outputs, Result):
            return Result(outputs.code, outputs.reason, outputs.message, self._items, outputs.errors, record)
        return self._judge(chosen, outputs, record)

    def _never_started(self) -> str:
        """Wait for the launcher's mark; say why no script will come."""
        started, podinfo = self._layout.script_started, self._layout.podinfo
        limit = self._plan.pending_timeout + PATIENCE

        def settled() -> bool:
            return started() or self._watch.hurried.is_set() or signalled(podinfo, STOP) or signalled(podinfo, ENDED)

        if not self._directories.until(settled, self._journal.started + limit):
            return f"the script did not start within {int(limit)} s after the inputs were complete"
        last_moment = 0.0 if signalled(podinfo, ENDED) else LAST_MOMENT
        if self._directories.until(started, time.time() + last_moment):
            return ""
        if not last_moment:
            return "the script's container ended before the script was started: see its own message"
        if self._watch.hurried.is_set():
            return "the Pod was ended before the script started"
        return "a stop was asked for before the script started"

    def _choose(self, record: ExitRecord | None) -> list[int]:
        chosen = []
        for index, output in enumerate(self._plan.outputs):
            if wanted(output, record, final=self._plan.final):
                chosen.append(index)
            else:
                self._items[index].state = SKIPPED
        return chosen

    def _run(self, chosen: list[int]) -> Outputs | Result:
        if "ended" not in self._journal.marks:
            self._journal.mark("ended", time.time())
        self._watch.set_deadline(float(self._journal.marks["ended"]) + self._plan.upload_timeout)
        self._tally.items = [self._items[index] for index in chosen]
        keys = key_source(self._layout, self._plan)
        with closing(Beneath(self._layout.workspace)) as workspace:
            outputs = Outputs(
                [self._plan.outputs[index] for index in chosen],
                workspace,
                self._layout.state,
                journal=self._journal,
                tally=self._tally,
            )
            if not chosen:
                return outputs
            try:
                self._watch.check()
                keys.read()
                check_ca_bundle(self._layout, self._plan)
                engine = open_engine(self._plan.store, keys, self._watch, self._tally)
                with closing(engine), Progress(self._tally.counts):
                    outputs.run(engine)
            except (MissingKeys, MissingConfigMap, NoCertificate) as error:
                return Result(WAITING, of_fetch(error), str(error))
            except StoreFault as fault:  # there are no keys, or none for this store
                return Result(FAILED, of_upload([fault]), str(fault))
            except TimeUp:
                return self._timed_out()
        return outputs

    def _timed_out(self) -> Result:
        for item in self._tally.items:
            item.state = ITEM_FAILED
        counts, outage = self._tally.counts, self._tally.outage
        limit = int(self._plan.upload_timeout)
        text = f"{counts.objects} of {counts.total_objects or '?'} objects were uploaded when {limit} s had passed"
        if outage is not None:
            return Result(FAILED, "StoreUnavailable", f"{text} (spec.timeouts.uploadSeconds): {outage}")
        return Result(FAILED, "UploadTimeout", f"{text}: raise spec.timeouts.uploadSeconds", errors=self._faults())

    def _faults(self) -> list[str]:
        return [str(fault) for item in self._items for fault in item.faults]

    def _judge(self, chosen: list[int], outputs: Outputs, record: ExitRecord | None) -> Result:
        for item in self._tally.items:
            item.settle()
        warnings = [f"warning: {text}" for text in outputs.warnings]
        failed = [index for index in chosen if self._items[index].failures]
        if failed:
            faults = [fault for index in failed for fault in self._items[index].faults]
            message = _what_failed(self._plan.outputs[failed[0]], self._items[failed[0]], faults)
            errors = [*self._faults()[1:], *warnings]
            return Result(FAILED, of_upload(faults), message, self._items, errors, record)
        for index, found in zip(chosen, outputs.found, strict=False):
            output = self._plan.outputs[index]
            if output.required and not found:
                self._items[index].state = ITEM_FAILED
                message = f"output {output.name!r} is required, and {output.path} has no files"
                return Result(FAILED, "OutputMissing", message, self._items, warnings, record)
        log("info", "outputs are uploaded", retries=self._tally.counts.retries)
        return Result(DONE, "", "", self._items, warnings, record)


def _what_failed(output: Output, item: Item, faults: list[StoreFault]) -> str:
    first = str(faults[0]) if faults else "see the log"
    return f"output {output.name!r}: {item.failures} failed, {item.objects} uploaded: {first}"


def wait_for_release(layout: Layout, hurried: Flag, grace: float) -> None:
    """Wait until the launcher is gone, however it ends: the kernel releases its lock.

    A lock file that is missing was removed by the script, which harms its own job alone. While the container is being
    ended, a launcher that is frozen is waited for as long as it may take: what the Pod has left is the upload's.
    """
    try:
        fd = os.open(layout.control / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        log("warning", f"the lock is not there: {error.strerror}")
        return
    released, over = Flag(), Flag()

    def lock() -> None:
        fcntl.flock(fd, fcntl.LOCK_SH)
        released.set()
        over.set()

    def lose_patience() -> None:
        hurried.wait()
        released.wait(grace)
        over.set()

    Background(lock).start()
    Background(lose_patience).start()
    over.wait()
    if not released.is_set():
        log("warning", f"the launcher has not ended the script within {int(grace)} s: what is there is uploaded")
