"""What the script runs in: environment, resources, user."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from processing_operator.api.model import SpecModel
from processing_operator.api.quantity import Quantity, parse_quantity
from processing_operator.api.rules import Rule, exactly_one, keys_matching
from processing_operator.api.scalars import Bool, DataKey, EnvName, LongText, ObjectName, UserId


class ImagePullPolicy(StrEnum):
    """When the kubelet pulls an image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class ImagePullSecret(SpecModel):
    """A Secret by its name."""

    name: ObjectName
    """The Secret's name, in the job's namespace."""


class KeyRef(SpecModel):
    """A key of a Secret or ConfigMap."""

    name: ObjectName
    """The name of the Secret or ConfigMap, in the job's namespace."""
    key: DataKey
    """The key whose value is taken."""
    optional: Bool | None = None
    """True: the variable is left out if the object or the key does not exist."""


class EnvSource(SpecModel):
    """Where a variable's value comes from: exactly one of these."""

    RULES: ClassVar = (exactly_one("secretKeyRef", "configMapKeyRef"),)

    secret_key_ref: KeyRef | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyRef | None = None
    """A key of a ConfigMap."""


class EnvVar(SpecModel):
    """A name, and exactly one of value and valueFrom."""

    RULES: ClassVar = (exactly_one("value", "valueFrom"),)

    name: EnvName
    """The variable's name."""
    value: LongText | None = None
    """Its value, taken literally: `$(NAME)` is not expanded."""
    value_from: EnvSource | None = None
    """Where its value comes from, instead of `value`: exactly one of these."""


_RESOURCE = (
    r"cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMG]i|[a-z0-9][-.a-z0-9]{0,252}/[A-Za-z0-9][-._A-Za-z0-9]{0,62}"
)

ResourceList = Annotated[
    dict[str, Quantity],
    Field(max_length=20),
    keys_matching(_RESOURCE, "must be cpu, memory, ephemeral-storage, hugepages-<size> or <domain>/<name>"),
]


def _request_above_limit(resources: Any) -> str | None:
    requests, limits = resources.requests or {}, resources.limits or {}
    both = [name for name in requests if name in limits]
    return next((name for name in both if parse_quantity(requests[name]) > parse_quantity(limits[name])), None)


_ABOVE_LIMIT = (
    "k in self.limits && isQuantity(string(self.requests[k])) && isQuantity(string(self.limits[k])) && "
    "quantity(string(self.requests[k])).isGreaterThan(quantity(string(self.limits[k])))"
)


class Resources(SpecModel):
    """The script's compute resources, as in a Pod."""

    RULES: ClassVar = (
        Rule(
            message="a request must not be above its limit",
            cel=f"!has(self.requests) || !has(self.limits) || !self.requests.exists(k, {_ABOVE_LIMIT})",
            offender=_request_above_limit,
            cel_offender=f"self.requests.filter(k, {_ABOVE_LIMIT})[0]",
            field=".requests",
        ),
    )

    requests: ResourceList | None = None
    """What the scheduler reserves: cpu, memory, nvidia.com/gpu and so on. Absent: the limits."""
    limits: ResourceList | None = None
    """What the script may use at most."""


class SecurityContext(SpecModel):
    """The user that all the job's containers run as, whatever the image's USER and /etc/group say.

    0, root or root's group, is refused unless the operator was installed with security.allowRoot.
    """

    run_as_user: UserId | None = None
    """The user's number. Absent: what the operator was installed with, by default 1000."""
    run_as_group: UserId | None = None
    """The group's number. Absent: what the operator was installed with, by default 1000."""
    fs_group: UserId | None = None
    """The volumes' group, by its number. Absent: what the operator was installed with, by default 1000."""
