"""The operator's configuration: environment variables `PROCESSING_<NAME>`, set by the chart."""

import socket
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from processing_operator.domain.facts import OperatorDefaults


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
    agent_memory_limit: str = "128Mi"
    """The memory limit of fetch and of upload."""

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

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    def defaults(self) -> OperatorDefaults:
        """The part that decisions depend on."""
        return OperatorDefaults(
            agent_image=self.agent_image,
            agent_image_pull_policy=self.agent_image_pull_policy,
            agent_memory_limit=self.agent_memory_limit,
            allow_root=self.allow_root,
            run_as_user=self.run_as_user,
            run_as_group=self.run_as_group,
            fs_group=self.fs_group,
            script_resources=self.script_resources,
        )
