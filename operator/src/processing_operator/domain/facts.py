"""What was seen of one job and its Pods: gathered by the controller, read by the policies. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.observe import PodFacts


@dataclass(frozen=True)
class OperatorDefaults:
    """The operator's settings that decisions depend on (the chart's values)."""

    agent_image: str = "processing-agent:0.1.0"
    agent_image_pull_policy: str = "IfNotPresent"
    agent_memory_limit: str = "128Mi"
    allow_root: bool = False
    run_as_user: int = 1000
    run_as_group: int = 1000
    fs_group: int = 1000
    script_resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class CreateFailure:
    """Why the API server refused the Pod of this attempt.

    `Conflict`: a Pod of that name exists and is not this job's (message names its owner). `Invalid`: refused for good
    (422, 403 by admission), in the API server's own words. `Quota`: 403 by a ResourceQuota: wait. `Account`: the
    ServiceAccount does not exist: wait. `Transient` ones never reach the domain.
    """

    kind: Literal["Account", "Conflict", "Invalid", "Quota"]
    message: str


@dataclass(frozen=True)
class Progress:
    """The last progress line of the container that is staging data (docs/internals/protocol.md)."""

    phase: str
    objects: int
    bytes: int
    total_objects: int | None = None
    total_bytes: int | None = None
    retries: int = 0
    error: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that one decision looks at besides the job itself.

    Attributes:
        pods: the job's own Pods (controller owner uid is the job's), of every attempt, oldest attempt first; with them
            Pods that are gone by now but whose last state was seen as they went (`PodFacts.gone`).
        awaited: for each job named by a `from` input: that job as it is now, or None if it does not exist.
        defaults: the operator's settings.
        create_failure: set when the Pod of the next attempt was just refused.
        progress: the staging container's last progress line, when it was read.
    """

    pods: tuple[PodFacts, ...] = ()
    awaited: Mapping[str, ProcessingJob | None] = field(default_factory=dict)
    defaults: OperatorDefaults = field(default_factory=OperatorDefaults)
    create_failure: CreateFailure | None = None
    progress: Progress | None = None
