"""`processing-agent fetch`: everything the script needs, on disk before it starts."""

from __future__ import annotations

import os

from processing_agent import staging
from processing_agent.credentials import (
    Environment,
    KeySource,
    MissingKeys,
    NotForThisStore,
    SecretFiles,
    forget_platform,
)
from processing_agent.download import Download, Source
from processing_agent.engines import open_engine
from processing_agent.journal import Journal
from processing_agent.light import TYPE_CHECKING, closing, signal
from processing_agent.logs import log
from processing_agent.notify import STOP, StopWatch, signalled
from processing_agent.paths import Beneath
from processing_agent.plan import BadPlan, Plan, read
from processing_agent.progress import Counts, Progress
from processing_agent.result import DONE, FAILED, WAITING, Result, report
from processing_agent.s3.faults import StoreFault
from processing_agent.staging import MissingConfigMap
from processing_agent.tally import FAILED as ITEM_FAILED
from processing_agent.tally import FirstFault, Item
from processing_agent.watch import StopAsked, TimeUp, Watch

if TYPE_CHECKING:
    from processing_agent.layout import Layout

TERMINATED = 143  # 128 + SIGTERM


def run(layout: Layout) -> int:
    """Do it all; give the exit code."""
    if layout.script_started():
        log("info", "the script has started before: nothing is touched")
        return DONE
    # nothing of ours needs an end: the next run takes up what is there
    signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))
    os.umask(0o002)
    try:
        plan = read(layout.podinfo / "plan", layout.guard)
    except BadPlan as error:
        return report(Result(FAILED, "BadPlan", str(error)), layout.termination_log)
    return report(Fetch(layout, plan).result(), layout.termination_log)


def key_source(layout: Layout, plan: Plan) -> KeySource:
    """Choose where the credentials come from."""
    if plan.secret:
        return SecretFiles(layout.credentials, plan.secret)
    if plan.platform_credentials or forget_platform(os.environ, os.fspath(layout.web_identity_token)):
        return Environment()
    return NotForThisStore(plan.store.endpoint or "AWS")


class Fetch:
    """One run of fetch."""

    def __init__(self, layout: Layout, plan: Plan) -> None:
        self._layout, self._plan = layout, plan
        self._items = [Item() for _ in plan.inputs]
        self._s3 = [index for index, source in enumerate(plan.inputs) if source.uri is not None]
        self._tally = FirstFault([self._items[index] for index in self._s3], Counts("Downloading"))
        self._keys = key_source(layout, plan)
        self._watch = Watch()
        self._warnings: list[str] = []

    def result(self) -> Result:
        """Run, and turn what happens into a result. What is not foreseen is raised: the kubelet starts us again."""
        try:
            self._run()
        except (MissingKeys, MissingConfigMap) as error:
            return Result(WAITING, self._reason(error), str(error), self._items)
        except TimeUp:
            return self._timed_out()
        except Exception as error:
            reason = self._reason(error)
            if not reason:
                raise
            message = str(error) or "a stop was asked for before the script started"
            return Result(FAILED, reason, message, self._settled(), [f"warning: {w}" for w in self._warnings])
        for item in self._items:
            item.settle()
        verified = dict(self._tally.verified)
        log("info", "inputs are complete", verified=verified, retries=self._tally.counts.retries)
        return Result(DONE, items=self._items, errors=[f"warning: {w}" for w in self._warnings])

    def _reason(self, error: Exception) -> str:
        from processing_agent.reasons import of_fetch, of_upload  # noqa: PLC0415 - loaded only when something has failed

        if isinstance(error, StoreFault) and not self._s3:
            return of_upload([error])  # there is nothing to fetch: what the outputs need was looked for
        return of_fetch(error)

    def _settled(self) -> list[Item]:
        for item in self._items:
            if item.failures:
                item.state = ITEM_FAILED
        return self._items

    def _timed_out(self) -> Result:
        counts, outage = self._tally.counts, self._tally.outage
        limit = int(self._plan.download_timeout)
        text = f"{counts.objects} of {counts.total_objects or '?'} objects were there when {limit} s had passed"
        if outage is not None:
            return Result(
                FAILED, "StoreUnavailable", f"{text} (spec.timeouts.downloadSeconds): {outage}", self._settled()
            )
        return Result(FAILED, "DownloadTimeout", f"{text}: raise spec.timeouts.downloadSeconds", self._settled())

    def _run(self) -> None:
        layout, plan = self._layout, self._plan
        if signalled(layout.podinfo, STOP):
            raise StopAsked
        self._look_for_missing()
        layout.state.mkdir(parents=True, exist_ok=True)
        with closing(Journal(layout.state / "fetch.journal", survives_reboot=False)) as journal:
            self._watch.set_deadline(journal.started + plan.download_timeout)
            watching = StopWatch(layout.podinfo, self._watch.stop)
            with watching, closing(Beneath(layout.workspace)) as workspace:
                staging.make_lock(layout)
                staging.place_launcher(layout)
                staging.write_config(plan.config, workspace)
                staging.make_directories(plan, workspace)
                self._fetch_objects(workspace, journal)
                self._write_small(workspace)

    def _look_for_missing(self) -> None:
        """Look first for what may be missing: told now, it can still be brought, and no script runs in vain."""
        if self._s3 or self._plan.outputs or self._plan.secret:
            self._keys.read()
        staging.check_ca_bundle(self._layout, self._plan)
        for source in self._plan.inputs:
            if source.config_map is not None:
                staging.config_map_keys(self._layout, source)

    def _fetch_objects(self, workspace: Beneath, journal: Journal) -> None:
        others = list(staging.claims(self._plan, self._layout))
        if not self._s3:
            return
        inputs = [self._plan.inputs[index] for index in self._s3]
        sources = [
            Source(source.uri, source.path, source.base, source.shard) for source in inputs if source.uri is not None
        ]
        engine = open_engine(self._plan.store, self._keys, self._watch, self._tally)
        with closing(engine), Progress(self._tally.counts):
            run = Download(sources, workspace, self._layout.state, engine=engine, journal=journal, tally=self._tally)
            self._warnings = run.warnings
            run.run(others)

    def _write_small(self, workspace: Beneath) -> None:
        for source, item in zip(self._plan.inputs, self._items, strict=True):
            if source.uri is None:
                sizes = staging.write_small_input(source, self._layout, workspace)
                item.objects, item.bytes = len(sizes), sum(sizes)
