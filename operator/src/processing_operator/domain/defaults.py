"""The operator's settings that decisions depend on. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from processing_operator.api.placement import Placement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import EnvVar

FETCH_RESOURCES: Final = {
    "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "2", "memory": "128Mi"},
}
UPLOAD_RESOURCES: Final = {
    "requests": {"cpu": "20m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "128Mi"},
}


@dataclass(frozen=True)
class OperatorDefaults:
    """The operator's settings that decisions depend on (the chart's values)."""

    agent_image: str = "processing-agent:0.1.0"
    agent_image_pull_policy: str = "IfNotPresent"
    agent_pull_secrets: tuple[str, ...] = ()
    agent_env: tuple[EnvVar, ...] = ()
    fetch_resources: Mapping[str, Mapping[str, str]] = field(default_factory=FETCH_RESOURCES.copy)
    upload_resources: Mapping[str, Mapping[str, str]] = field(default_factory=UPLOAD_RESOURCES.copy)
    allow_root: bool = False
    run_as_user: int = 1000
    run_as_group: int = 1000
    fs_group: int = 1000
    script_resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    workspace_request: str = "1Gi"
    placement: Placement = field(default_factory=Placement)
    carried_annotations: tuple[str, ...] = ()
    platform_credential_endpoints: tuple[str, ...] = ()
