"""Names, exit codes and the signal that operator, Pod and command line share (docs/internals/protocol.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob

FETCH: Final = "fetch"
UPLOAD: Final = "upload"
SCRIPT: Final = "script"

FAILED_FOR_GOOD: Final = 64
"""Exit code of fetch and upload: not started again."""
WAITS_OUTSIDE: Final = 75
"""Exit code of fetch and upload while a Secret or ConfigMap is not there."""
FINAL_CODES: Final = (0, FAILED_FOR_GOOD)

GATE: Final = "processing-operator.dev/recorded"
"""The Pod's scheduling gate: taken away once the Pod's uid stands in the job's status."""

AGENT: Final = ("/usr/bin/tini", "--", "/opt/venv/bin/processing-agent")
"""Under an init: the kernel drops a SIGTERM to process 1 that has no handler yet, so that a Pod deleted while the agent
starts would last for its whole grace."""
LAUNCHER: Final = "/run/processing/bin/launcher"
WORKSPACE_DIR: Final = "/opt/ml"
BIN_DIR: Final = "/run/processing/bin"
CONTROL_DIR: Final = "/run/processing/control"
STATE_DIR: Final = "/run/processing/state"
PODINFO_DIR: Final = "/run/processing/podinfo"
SIGNAL_DIR: Final = "/run/processing/signal"
CREDENTIALS_DIR: Final = "/run/processing/credentials"
WEB_IDENTITY_DIR: Final = "/run/processing/web-identity"
TOKEN_FILE: Final = "token"  # noqa: S105 - a name, not a secret
CA_BUNDLE_DIR: Final = "/run/processing/ca-bundle"
CONFIG_MAPS_DIR: Final = "/run/processing/configmaps"

_JOB_NAME_LENGTH = 40
_UID_LENGTH = 8


def pod_name(job: ProcessingJob, attempt: int, index: int = 0) -> str:
    """The same for the same attempt of the same job: whoever creates it a second time is told so by the API server.

    The uid keeps a job that was deleted and made again from adopting the Pods of the first one.
    """
    stem = job.metadata.name[:_JOB_NAME_LENGTH].rstrip("-.")
    return f"{stem}-{job.metadata.uid[:_UID_LENGTH]}-{attempt}-{index}"


def host_name(index: int) -> str:
    """SageMaker's name of an instance, from 1."""
    return f"algo-{index + 1}"


def config_map_volume(position: int) -> str:
    """The volume of the ConfigMap input at that position of `spec.inputs`."""
    return f"configmap-{position}"


def config_map_dir(position: int) -> str:
    """Where fetch finds the keys of that ConfigMap as files."""
    return f"{CONFIG_MAPS_DIR}/{position}"


def bounds(pod: int | None, script: int | None) -> str:
    """The value of the bounds annotation: bytes of the node's disk that the Pod may fill, and its script's container.

    Empty where neither has a limit.
    """
    given = {name: size for name, size in (("ephemeralStorage", pod), ("script", script)) if size is not None}
    return json.dumps(given, separators=(",", ":")) if given else ""


LAUNCHER_SAYS: Final = "launcher: "
"""How the launcher's termination message begins where it could not start the script; else it is the script's own."""

STOP: Final = "stop"
"""Member of the signal: launcher, fetch and upload are asked to stop."""
ENDED: Final = "ended"
"""Member of the signal: the script's container has ended. An upload that still waits for its start ends."""


def signal(told: str, at: str, *members: str) -> str:
    """The value of the signal annotation that says these members too, beside what it has told; `at` is RFC 3339.

    What was said once stays as it was said.
    """
    return json.dumps({**dict.fromkeys(members, at), **_read(told)}, separators=(",", ":"), sort_keys=True)


def asks_to_stop(value: str) -> bool:
    """Whether a signal annotation asks the Pod to stop. One that cannot be read asks for nothing."""
    return STOP in _read(value)


def tells_end(value: str) -> bool:
    """Whether a signal annotation tells that the script's container has ended."""
    return ENDED in _read(value)


def _read(value: str) -> dict[str, str]:
    """The members that say something."""
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    members = told.items() if isinstance(told, dict) else ()
    return {name: at for name, at in members if isinstance(at, str) and at}
