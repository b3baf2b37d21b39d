"""The next step of a job: the first policy of its chain that has something to say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from processing_operator.domain.actions import Actions, Decision
from processing_operator.domain.conditions import is_finished
from processing_operator.domain.policies import awaiting, begin, ends, going, overrun, waiting
from processing_operator.domain.settle import settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Facts

    OpenPolicy = Callable[[ProcessingJob, Attempt, Facts, datetime], Decision | None]
    NextPolicy = Callable[[ProcessingJob, Facts, datetime], Decision | None]

OPEN: Final[tuple[OpenPolicy, ...]] = (
    ends.ended,  # every Pod of the attempt tells how it ended
    ends.vanished,  # a Pod is gone, and nobody saw it go
    ends.terminating,  # a Pod should have gone long ago: its node is dead
    ends.failing,  # the end is decided and waits for its Pod
    going.stop_attempt,  # a stop was asked for
    going.release,  # the operator died between claim and release
    overrun.overrun,  # the launcher has not ended a script that it should have ended
    going.cut_short,  # script or upload cannot do its part any more
    waiting.waiting,  # the script has not started: for the cluster, or for the user
    waiting.overdue,  # fetch or upload have not kept their own limits
    going.progress,  # it goes on
)
"""While an attempt is open."""

NEXT: Final[tuple[NextPolicy, ...]] = (
    going.stop_between,  # a stop was asked for
    begin.root_refused,  # the operator's settings forbid the job's user
    begin.pod_refused,  # the API server has refused the Pod
    begin.predecessor,  # a Pod of a deleted job of this name may still upload
    awaiting.awaiting,  # inputs are outputs of jobs that have not completed
    begin.backoff,  # the attempt before was lost: its Pod has to go, some time to pass
    begin.claim,  # the Pod was created: it becomes the attempt's only one
    begin.orphaned,  # a Pod that nobody may claim has the next one's name
    begin.create,  # nothing stands against it
)
"""While none is."""


def decide(job: ProcessingJob, facts: Facts, now: datetime) -> Actions:
    """What to do about the job, by what was seen, at this time."""
    if job.metadata.deletion_timestamp is not None:
        return Actions()  # the collector deletes the Pods, and their own grace is the time for the upload
    actions = settle(job, facts, now, _decide(job, facts, now) or Decision())
    return actions if actions.writes else replace(actions, delete=begin.clear_orphans(facts, now))


def _decide(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    if is_finished(job):
        return ends.finished(facts)
    if facts.attempt is None:
        return next((found for policy in NEXT if (found := policy(job, facts, now)) is not None), None)
    open_policies = (policy(job, facts.attempt, facts, now) for policy in OPEN)
    return next((found for found in open_policies if found is not None), None)
