"""What was decided becomes what is written: the whole status, its Events, and when to look again.

The one place that makes a status. What the Pods show is read anew, the rest is kept from the status before.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD
from processing_operator.api.status import AttemptRecord, JobStatus, Retries, State
from processing_operator.domain.actions import Actions, PodWrites
from processing_operator.domain.conditions import ended_conditions, ongoing_conditions, target_conditions
from processing_operator.domain.events import tell_changes
from processing_operator.domain.facts import Instance, Seen
from processing_operator.domain.pending import pending_since
from processing_operator.domain.report import read_instance, report
from processing_operator.domain.wording import clip, human_duration, what_goes_on

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import TransferProgress
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.actions import Decision
    from processing_operator.domain.facts import Facts, PodFacts, Verdict
    from processing_operator.domain.wording import Headline

HISTORY_LENGTH: Final = 10
LAST_LOOK: Final = timedelta(seconds=10)
"""After the end: whether something of the Pod is left that runs for nothing. By then the kubelet has had its say."""
QUICK: Final = timedelta(seconds=2)
"""A phase that is over sooner is not written on its own, but together with the next."""
MINOR: Final = timedelta(seconds=10)
"""How often a change is written that is neither of the state nor of the reason nor of a phase."""
_MOVES_DATA: Final = (State.DOWNLOADING, State.UPLOADING)
_PASSING: Final = frozenset((State.PENDING, State.RUNNING, *_MOVES_DATA))


def settle(job: ProcessingJob, facts: Facts, now: datetime, decision: Decision) -> Actions:
    """Nothing is written that the job says already; each change is told of by its Events."""
    actions = Actions(**{field.name: getattr(decision, field.name) for field in fields(PodWrites)})
    after = _status_after(job, facts, now, decision)
    if after is None or after == job.status:
        return actions
    if not decision.first and (until := _hold_until(job.status, after, facts, now)) is not None:
        return replace(actions, again_at=min(until, actions.again_at or until))
    actions = replace(actions, events=tuple(tell_changes(job, after, decision.begin or facts.pod)))
    if decision.end is not None and not all(pod.terminal for pod in facts.live):
        actions = replace(actions, again_at=now + LAST_LOOK)
    return replace(actions, claim=after) if decision.first else replace(actions, status=after)


def _status_after(job: ProcessingJob, facts: Facts, now: datetime, decision: Decision) -> JobStatus | None:
    if decision.end is not None:
        after = _ended(job, facts, now, decision.end)
    elif decision.say is None:
        return None
    elif decision.begin is not None:
        after = _begun(job, now, decision.say, decision.begin)
    else:
        after = _ongoing(job, facts, now, decision.say)
    if decision.lost is not None:
        after = _closed(after, facts.pod, now, decision.lost)
    conditions = target_conditions(job, now, decision, after.conditions)
    return after.model_copy(update={"conditions": conditions})


# -- the status


def _ongoing(job: ProcessingJob, facts: Facts, now: datetime, head: Headline) -> JobStatus:
    """The job goes on."""
    shown = report(job, facts.attempt)
    started = any(phase.name is State.RUNNING for phase in shown.get("phases", job.status.phases))
    return _change(
        job,
        head,
        **shown,
        progress=_progress(job, facts, head),
        pending_since=None if started else pending_since(job, now, head, facts.pod),
        conditions=ongoing_conditions(job, now, head, facts.pod),
    )


def _progress(job: ProcessingJob, facts: Facts, head: Headline) -> TransferProgress | None:
    """Of what goes on now. The same, only read again, is no news."""
    pod, before = facts.pod, job.status.progress
    phase = head.state if pod is None else what_goes_on(job, pod)
    told = next((one for one in (facts.progress, before) if one is not None and one.phase == phase), None)
    if told is not None and before is not None and before.oom_kills and not told.oom_kills:
        told = told.model_copy(update={"oom_kills": before.oom_kills})  # the upload does not count them
    same = told is not None and before is not None and told.model_copy(update={"time": before.time}) == before
    return before if same else told


def _begun(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts) -> JobStatus:
    """An attempt begins with this Pod; of the one before nothing is left but its record."""
    return JobStatus(
        observed_generation=job.metadata.generation,
        state=head.state,
        message=clip(head.message),
        start_time=job.status.start_time or pod.created_at or now,
        pending_since=pending_since(job, now, head, pod),
        attempts=pod.attempt,
        attempt_history=job.status.attempt_history,
        retries=job.status.retries,
        instances=(read_instance(Instance(pod.index, pod, Seen.LIVE)),),
        conditions=ongoing_conditions(job, now, head, pod),
    )


def _closed(status: JobStatus, pod: PodFacts | None, now: datetime, lost: Verdict) -> JobStatus:
    """The attempt was lost before its script started; another will follow."""
    started = None if pod is None else pod.created_at
    record = AttemptRecord(
        attempt=status.attempts, reason=lost.reason, message=lost.message, start_time=started, end_time=now
    )
    retries = status.retries or Retries()
    return status.model_copy(
        update={
            "attempt_history": (*status.attempt_history, record)[-HISTORY_LENGTH:],
            "retries": retries.model_copy(update={"before_start": retries.before_start + 1}),
        }
    )


def _ended(job: ProcessingJob, facts: Facts, now: datetime, end: Verdict) -> JobStatus:
    ended_at = _end_time(facts.pod) or now
    began_at = job.status.start_time or job.metadata.creation_timestamp or ended_at
    return _change(
        job,
        end,
        **report(job, facts.attempt),
        completion_time=ended_at,
        duration=human_duration(ended_at - began_at),
        pending_since=None,
        progress=None,
        conditions=ended_conditions(job, now, end, facts.pod),
    )


def _change(job: ProcessingJob, told: Headline | Verdict, **changes: Any) -> JobStatus:
    """What is not changed is kept."""
    kept = {name: getattr(job.status, name) for name in JobStatus.model_fields}
    words = {"state": told.state, "reason": told.reason or None, "message": clip(told.message)}
    return JobStatus(**{**kept, **words, "observed_generation": job.metadata.generation, **changes})


def _end_time(pod: PodFacts | None) -> datetime | None:
    """When the last of the containers ended, if all that were started have; None where they did not end the job."""
    if pod is None or not (pod.script.started or pod.fetch.exit_code == FAILED_FOR_GOOD):
        return None
    started = [container for container in (pod.fetch, pod.script, pod.upload) if container.started]
    times = [container.end.finished_at for container in started if container.end is not None]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(started) else None


# -- when it is written


def _hold_until(before: JobStatus, after: JobStatus, facts: Facts, now: datetime) -> datetime | None:
    """Until when the change is held back; None: it is written now. Other machines' clocks may not be ours."""
    if _outline(before) == _outline(after):
        wrote = facts.written_at
        return None if wrote is None or not wrote <= now < wrote + MINOR else wrote + MINOR
    since = _passing_since(before, after)
    if since is None or _words(before) != _words(after) or not -QUICK < now - since < QUICK:
        return None
    return since + QUICK


def _outline(status: JobStatus) -> tuple[Any, ...]:
    """All that is told at once."""
    phases = [(phase.name, phase.end_time is None) for phase in status.phases]
    conditions = [(one.type, one.status, one.reason) for one in status.conditions]
    instances = [(one.pod_uid, one.state, one.exit_code) for one in status.instances]
    return (status.state, status.reason, status.attempts, len(status.attempt_history), phases, conditions, instances)


def _passing_since(before: JobStatus, after: JobStatus) -> datetime | None:
    """Since when data moves, or the script's container is being started; None for any other change."""
    phases = {phase.name: phase for phase in after.phases}
    if after.state in _MOVES_DATA and after.state != before.state:
        return None if after.state not in phases else phases[after.state].start_time
    if after.state is State.PENDING and State.DOWNLOADING in phases and before.state is not None:
        return phases[State.DOWNLOADING].end_time
    return None


def _words(status: JobStatus) -> list[tuple[str, str]]:
    """Types and reasons of the conditions, but for the reason that is the state over again."""
    return [(entry.type, "" if entry.reason in _PASSING else entry.reason) for entry in status.conditions]
