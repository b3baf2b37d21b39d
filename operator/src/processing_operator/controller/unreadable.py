"""What a job is told that does not fit the model: made under an older CRD, or past its validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from processing_operator.api.conditions import TERMINAL, Condition, ConditionType, is_true, set_condition
from processing_operator.api.reasons import Reason
from processing_operator.controller.merge import merge_patch
from processing_operator.domain.actions import JobEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_LISTED_ERRORS: Final = 5


def describe(error: ValidationError) -> str:
    """The first errors, each with its field, for the job's owner."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:_LISTED_ERRORS]]
    more = [f"and {len(found) - _LISTED_ERRORS} more"] if len(found) > _LISTED_ERRORS else []
    return "this operator cannot read the job: " + "; ".join(lines + more) + "; correct it and create it again"


def stall(job: Mapping[str, Any], message: str, now: datetime) -> tuple[dict[str, Any], JobEvent]:
    """The status patch (empty: it says so already, or the job has ended) and the Event that goes with it."""
    status = job.get("status", {})
    conditions = _readable(status.get("conditions", []))
    event = JobEvent("Warning", Reason.INVALID_POD, message)
    if any(is_true(conditions, kind) for kind in TERMINAL):
        return {}, event
    generation = job["metadata"].get("generation", 0)
    told = set_condition(
        conditions,
        ConditionType.STALLED,
        status=True,
        now=now,
        reason=Reason.INVALID_POD,
        message=message,
        observed_generation=generation,
    )
    wanted = {
        **status,
        "message": message[:4096],
        "observedGeneration": generation,
        "conditions": [condition.model_dump(mode="json", by_alias=True, exclude_none=True) for condition in told],
    }
    return merge_patch(status, wanted), event


def _readable(conditions: list[Any]) -> tuple[Condition, ...]:
    readable = []
    for condition in conditions:
        try:
            readable.append(Condition.model_validate(condition))
        except ValidationError:
            continue  # it will be written anew by an operator that can read the job
    return tuple(readable)
