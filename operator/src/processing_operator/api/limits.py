"""How much a job may fill, and how long each part of it may take."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from processing_operator.api.model import SpecModel
from processing_operator.api.quantity import Size, parse_quantity
from processing_operator.api.rules import Rule
from processing_operator.api.scalars import WHOLE

DAY = 86400
WEEK = 7 * DAY


def _request_above_size(workspace: Any) -> str | None:
    request = workspace.request
    return None if request is None or parse_quantity(request) <= parse_quantity(workspace.size) else request


class Workspace(SpecModel):
    """The disk space of inputs and outputs."""

    RULES: ClassVar = (
        Rule(
            message="must not be above workspace.size",
            cel="!has(self.request) || !has(self.size) || "
            "!isQuantity(string(self.request)) || !isQuantity(string(self.size)) || "
            "!quantity(string(self.request)).isGreaterThan(quantity(string(self.size)))",
            offender=_request_above_size,
            cel_offender="string(self.request)",
            field=".request",
        ),
    )

    size: Size = "30Gi"
    """How much may lie there, inputs included. At 95 % the script is stopped and its outputs are uploaded
    (WorkspaceFull). Default: 30Gi."""
    request: Size | None = None
    """How much of it the scheduler reserves on the node: the script's request for ephemeral-storage. Absent: what the
    operator was installed with, by default 1Gi, or `size`, if that is less."""


class Timeouts(SpecModel):
    """How long each part of the job may take."""

    pending_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 3600
    """All waiting before the script starts: for a node, an image, a Secret, a ServiceAccount, quota, the jobs named by
    `from`. Default: 3600."""
    download_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 86400
    """The download, retries and restarts included. Default: 86400."""
    run_seconds: Annotated[int, Field(ge=1, le=4 * WEEK), WHOLE] = 86400
    """The script; then it is stopped, its outputs are uploaded and the job ends in Stopped. Default: 86400."""
    stop_grace_seconds: Annotated[int, Field(ge=0, le=DAY), WHOLE] = 120
    """From SIGTERM to SIGKILL, whenever the script is stopped. Default: 120."""
    upload_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 3600
    """The upload after the script's end, retries and restarts included. Default: 3600."""
    termination_upload_seconds: Annotated[int, Field(ge=1, le=DAY), WHOLE] = 480
    """The upload while the Pod is being deleted, whose grace period is this and stopGraceSeconds. Default: 480."""


def _memory_limit(spec: Any) -> str | None:
    limits = None if spec.resources is None else spec.resources.limits
    return (limits or {}).get("memory")


def _shared_memory_above_limit(spec: Any) -> str | None:
    size, limit = spec.shared_memory_size, _memory_limit(spec)
    return None if size is None or limit is None or parse_quantity(size) <= parse_quantity(limit) else size


_LIMIT = "string(self.resources.limits['memory'])"
MEMORY_RULES = (
    Rule(
        message="counts as the script's memory: must not be above resources.limits.memory",
        cel="!has(self.sharedMemorySize) || !has(self.resources) || !has(self.resources.limits) || "
        "!('memory' in self.resources.limits) || "
        f"!isQuantity(string(self.sharedMemorySize)) || !isQuantity({_LIMIT}) || "
        f"!quantity(string(self.sharedMemorySize)).isGreaterThan(quantity({_LIMIT}))",
        offender=_shared_memory_above_limit,
        cel_offender="string(self.sharedMemorySize)",
        field=".sharedMemorySize",
    ),
)
