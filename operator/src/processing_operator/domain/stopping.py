"""Whether a stop was asked for. Latched: a GitOps tool that sets `spec.stop` back at once changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.api.conditions import ConditionType, is_true

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob


def is_stop_requested(job: ProcessingJob) -> bool:
    """By the spec, or by the condition that remembers it."""
    return job.spec.stop or is_true(job.status.conditions, ConditionType.STOP_REQUESTED)
