"""The operator's configuration: environment variables `PROCESSING_<NAME>`, set by the chart."""

import socket
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from processing_operator.api.container import EnvVar, ResourceList
from processing_operator.api.endpoint import is_entry
from processing_operator.api.placement import Placement
from processing_operator.api.quantity import Size
from processing_operator.domain.defaults import FETCH_RESOURCES, UPLOAD_RESOURCES, OperatorDefaults


class Settings(BaseSettings):
    """Every setting has a default that suits a cluster; the chart's values are these, by the same names."""

    model_config = SettingsConfigDict(
        env_prefix="PROCESSING_", frozen=True, use_attribute_docstrings=True, extra="ignore"
    )

    namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    """Where jobs are served, separated by commas. Empty: everywhere (needs a ClusterRole)."""

    agent_image: str = "processing-agent:0.1.0"
    """The image of the fetch and upload containers; it brings the launcher."""
    agent_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet pulls the agent's image."""
    agent_pull_secrets: tuple[str, ...] = ()
    """Secrets of the jobs' namespaces with the credentials of that image's registry, as JSON: `["registry"]`."""
    agent_env: tuple[EnvVar, ...] = ()
    """Environment of fetch and upload, such as a proxy's, as JSON: `[{"name": "HTTPS_PROXY", "value": "..."}]`."""
    fetch_resources: dict[str, ResourceList] = FETCH_RESOURCES
    """Requests and limits of fetch, as JSON."""
    upload_resources: dict[str, ResourceList] = UPLOAD_RESOURCES
    """Requests and limits of upload, as JSON."""

    allow_root: bool = False
    """Whether jobs may ask for uid or gid 0. Namespaces with Pod Security `restricted` still refuse their Pods."""
    run_as_user: Annotated[int, Field(ge=0)] = 1000
    """The uid of all of a job's containers, unless the job says another."""
    run_as_group: Annotated[int, Field(ge=0)] = 1000
    """The gid, likewise."""
    fs_group: Annotated[int, Field(ge=0)] = 1000
    """The group of the volumes, likewise."""
    script_resources: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Resources of scripts whose job says none, as JSON: `{"requests": {"cpu": "500m"}}`."""
    workspace_request: Size = "1Gi"
    """How much of a node's disk is reserved for a job that does not say `workspace.request`."""
    placement: Placement = Placement()
    """Where Pods run, and what they are known by, unless the job says otherwise, as JSON, by the names of the API."""
    carried_annotations: tuple[str, ...] = ()
    """Annotations of the job that its Pod gets too, as JSON: `["example.com/cost-center"]`."""

    platform_credential_endpoints: Annotated[tuple[str, ...], NoDecode] = ()
    """Stores that are not AWS's, and are sent the credentials that the platform gives a Pod (EKS Pod Identity, IRSA,
    the node's role) all the same: endpoints, `https://s3.example.com:9000`, or hosts, separated by commas."""

    resync_seconds: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """How often all jobs and Pods are listed. What a watch has lost is made good after this time at the latest."""
    read_pod_logs: bool = True
    """Whether progress is read out of running fetch and upload containers at each resync (the right `get pods/log`)."""
    workers: Annotated[int, Field(ge=1, le=100)] = 8
    """How many jobs are looked at at once."""

    health_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """The port of /healthz, /readyz and /metrics."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on lines are logged."""
    log_format: Literal["json", "text"] = "json"
    """JSON, one object a line; or text, for people."""

    lease_name: str = "processing-operator"
    """The Lease by which one operator is chosen to act. Those that serve the same jobs share it."""
    lease_namespace: str = "default"
    """The namespace of the Lease: the operator's own."""
    instance: str = Field(default_factory=socket.gethostname)
    """What this process calls itself in Events and in the Lease. In a Pod: the Pod's name."""

    @field_validator("namespaces", "platform_credential_endpoints", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("platform_credential_endpoints")
    @classmethod
    def _check_endpoints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not is_entry(entry):
                raise ValueError(f"{entry!r} must be http[s]://HOST[:PORT][/PATH] or HOST")
        return value

    def defaults(self) -> OperatorDefaults:
        """The part that decisions depend on."""
        return OperatorDefaults(
            agent_image=self.agent_image,
            agent_image_pull_policy=self.agent_image_pull_policy,
            agent_pull_secrets=self.agent_pull_secrets,
            agent_env=self.agent_env,
            fetch_resources=self.fetch_resources,
            upload_resources=self.upload_resources,
            allow_root=self.allow_root,
            run_as_user=self.run_as_user,
            run_as_group=self.run_as_group,
            fs_group=self.fs_group,
            script_resources=self.script_resources,
            workspace_request=self.workspace_request,
            placement=self.placement,
            carried_annotations=self.carried_annotations,
            platform_credential_endpoints=self.platform_credential_endpoints,
        )
