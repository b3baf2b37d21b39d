"""A status with as much in it as the schema takes."""

from __future__ import annotations

from datetime import UTC, datetime

from processing_operator.api.conditions import Condition, ConditionStatus, ConditionType
from processing_operator.api.status import (
    AttemptRecord,
    InputStatus,
    InstanceState,
    InstanceStatus,
    JobStatus,
    OutputStatus,
    PhaseStatus,
    Restarts,
    Retries,
    State,
    TransferProgress,
    UploadState,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LONG = "m" * 5000
PROGRESS = TransferProgress(
    phase=State.UPLOADING,
    objects=10**6,
    bytes=10**15,
    total_objects=10**6,
    total_bytes=10**15,
    retries=1000,
    last_error=LONG,
    time=AT,
)
PHASES = (State.PENDING, State.DOWNLOADING, State.RUNNING, State.UPLOADING)


def fullest() -> JobStatus:
    """Every field, every list at its bound, every text over it."""
    return JobStatus(
        observed_generation=2,
        state=State.FAILED,
        message=LONG,
        reason="ScriptFailed",
        start_time=AT,
        completion_time=AT,
        duration="23h59m",
        pending_since=AT,
        attempts=10,
        attempt_history=tuple(
            AttemptRecord(attempt=n, reason="ScriptFailed", message=LONG, start_time=AT, end_time=AT, exit_code=255)
            for n in range(1, 11)
        ),
        phases=tuple(PhaseStatus(name=name, start_time=AT, end_time=AT) for name in PHASES),
        exit_code=255,
        exit_message=LONG,
        retries=Retries(script=1, infrastructure=2, before_start=3),
        progress=PROGRESS,
        restarts=Restarts(fetch=1000, upload=1000),
        inputs=tuple(
            InputStatus(name="n" * 60 + f"{n}", objects=1000000, bytes=10**15, seconds=12345.678) for n in range(50)
        ),
        outputs=tuple(
            OutputStatus(
                name="n" * 60 + f"{n}",
                uri="s3://" + "u" * 1273,
                objects=1000000,
                bytes=10**15,
                seconds=0.5,
                upload=UploadState.NOT_REACHED,
            )
            for n in range(50)
        ),
        instances=tuple(
            InstanceStatus(index=n, pod="p" * 63, node="n" * 253, state=InstanceState.SUCCEEDED, exit_code=255)
            for n in range(20)
        ),
        conditions=tuple(
            Condition(
                type=kind,
                status=ConditionStatus.TRUE,
                reason="ScriptFailed",
                message=LONG,
                last_transition_time=AT,
                observed_generation=2,
            )
            for kind in ConditionType
        ),
    )
