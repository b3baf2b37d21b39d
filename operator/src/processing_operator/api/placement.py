"""Where the Pod runs, and what it is known by, passed on to Kubernetes: of a job, and as an operator's default."""

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, WithJsonSchema

from processing_operator.api.model import SpecModel
from processing_operator.api.rules import Rule, keys_matching, matching
from processing_operator.api.scalars import WHOLE, DnsLabel, ObjectName

_KEY = r"(?:[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_KEY_MESSAGE = "must be a label's name, with or without a domain before a slash, such as team or example.com/team"
_OWNED = r"^(?:[^/]*\.)?(?:kubernetes\.io|k8s\.io|processing-operator\.dev)/"


def _owned_key(keys: Any) -> str | None:
    return next((key for key in keys if re.match(_OWNED, key)), None)


_NOT_OWNED = Rule(
    message="keys of kubernetes.io, k8s.io and processing-operator.dev are theirs",
    cel=f"!self.exists(k, k.matches(r'{_OWNED}'))",
    offender=_owned_key,
    cel_offender=f"self.filter(k, k.matches(r'{_OWNED}'))[0]",
)

MAX_ANNOTATIONS = 65536


def _characters(annotations: Any) -> int:
    return sum(len(key) + len(value) for key, value in annotations.items())


def _too_many(annotations: Any) -> str | None:
    return f"{found}" if (found := _characters(annotations)) > MAX_ANNOTATIONS else None


_CHARACTERS = "self.map(k, size(k) + size(self[k])).sum()"
_NOT_MANY = Rule(  # the plan's own annotation takes up to 128 KiB of the 256 that Kubernetes allows for all
    message=f"must not hold more than {MAX_ANNOTATIONS} characters together",
    cel=f"{_CHARACTERS} <= {MAX_ANNOTATIONS}",
    offender=_too_many,
    cel_offender=_CHARACTERS,
)

LabelKey = Annotated[str, Field(min_length=1, max_length=317), matching(_KEY, _KEY_MESSAGE)]
LabelValue = Annotated[
    str,
    Field(max_length=63),
    matching(
        r"(?:[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?)?",
        "must be letters, digits, dashes, underscores and dots, a letter or digit at either end",
    ),
]
NodeSelector = Annotated[dict[str, LabelValue], Field(max_length=20), keys_matching(_KEY, _KEY_MESSAGE)]
PodLabels = Annotated[dict[str, LabelValue], Field(max_length=50), keys_matching(_KEY, _KEY_MESSAGE), _NOT_OWNED]
PodAnnotations = Annotated[
    dict[str, Annotated[str, Field(max_length=4096)]],
    Field(max_length=50),
    keys_matching(_KEY, _KEY_MESSAGE),
    _NOT_OWNED,
    _NOT_MANY,
]
Opaque = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
"""An object of Kubernetes' own, which the API server checks when the Pod is created."""


class TolerationOperator(StrEnum):
    """How a toleration's value is compared."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does to Pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


def _every_taint(toleration: Any) -> str | None:
    exists = toleration.operator is TolerationOperator.EXISTS
    return None if toleration.key is not None or exists else "no key"


class Toleration(SpecModel):
    """A taint that the Pod tolerates, as in a Pod."""

    RULES: ClassVar = (
        Rule(
            message="without a key the operator must be Exists",
            cel="has(self.key) || (has(self.operator) && self.operator == 'Exists')",
            offender=_every_taint,
            cel_offender="'no key'",
            field=".operator",
        ),
    )

    key: LabelKey | None = None
    """The taint's key. Absent, with operator Exists: every taint."""
    operator: TolerationOperator | None = None
    """Equal, Kubernetes' default: the value is the taint's; or Exists: whatever the value."""
    value: LabelValue | None = None
    """The taint's value."""
    effect: TaintEffect | None = None
    """The taint's effect. Absent: every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE] | None = None
    """How long a taint of the effect NoExecute is tolerated. Absent: for ever."""


class Affinity(SpecModel):
    """What the Pod is near to, as in a Pod: checked by Kubernetes when the Pod is created."""

    node_affinity: Opaque | None = None
    """As in a Pod: kubectl explain pod.spec.affinity.nodeAffinity."""
    pod_affinity: Opaque | None = None
    """As in a Pod: kubectl explain pod.spec.affinity.podAffinity."""
    pod_anti_affinity: Opaque | None = None
    """As in a Pod: kubectl explain pod.spec.affinity.podAntiAffinity."""


class Placement(SpecModel):
    """Fields of the Pod, by Kubernetes' names."""

    node_selector: NodeSelector | None = None
    """Labels that the node must have. Absent: what the operator was installed with, by default none."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=20)] | None = None
    """Taints of nodes that are no obstacle, such as those of GPU nodes. Absent: what the operator was installed with,
    by default none."""
    affinity: Affinity | None = None
    """What the Pod is near to. Absent: what the operator was installed with, by default nothing."""
    priority_class_name: ObjectName | None = None
    """The Pod's PriorityClass. Absent: what the operator was installed with, by default the cluster's own default."""
    runtime_class_name: ObjectName | None = None
    """The Pod's RuntimeClass, such as nvidia. Absent: what the operator was installed with, by default the node's."""
    scheduler_name: DnsLabel | None = None
    """The scheduler that places the Pod. Absent: what the operator was installed with, by default Kubernetes' own."""
    pod_labels: PodLabels | None = None
    """Labels of the Pod, beside the job's own, which it gets too, and those that the operator was installed with."""
    pod_annotations: PodAnnotations | None = None
    """Annotations of the Pod, beside those that the operator was installed with."""
