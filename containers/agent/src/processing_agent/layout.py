"""Where things are in the container. `PROCESSING_ROOT` moves all of it: the tests run outside of a Pod."""

from __future__ import annotations

import os

from processing_agent.light import Path, record
from processing_agent.s3.addresses import NOT_INSIDE, NOT_ON_NODE

LAUNCHER = "/opt/processing/bin/launcher"  # in the agent's image, not below the root
WORKSPACE = "/opt/ml"
RESULT_LIMIT = 2048  # bytes of a termination message: the kubelet shares 12 KiB among all containers of a Pod


@record(frozen=True, slots=True)
class Layout:
    """The paths of docs/internals/protocol.md below `root`."""

    root: Path

    @classmethod
    def of_environment(cls) -> Layout:
        """Read `PROCESSING_ROOT`."""
        return cls(Path(os.environ.get("PROCESSING_ROOT", "/")))

    def of(self, absolute: str) -> Path:
        """Give the place of an absolute path of the protocol."""
        return Path(self.root) / absolute.lstrip("/")

    @property
    def workspace(self) -> Path:
        """What fetch, script and upload share."""
        return self.of(WORKSPACE)

    @property
    def bin(self) -> Path:
        """Where the script's container finds the launcher."""
        return self.of("/run/processing/bin")

    @property
    def control(self) -> Path:
        """`lock`, `started`, `record`, `notes`."""
        return self.of("/run/processing/control")

    def script_started(self) -> bool:
        """Tell whether the launcher has left its mark, whatever the script made of it since."""
        return os.path.lexists(self.control / "started")

    @property
    def state(self) -> Path:
        """Journals and spools."""
        return self.of("/run/processing/state")

    @property
    def podinfo(self) -> Path:
        """`plan`, `signal`: the kubelet swaps a link in here when an annotation changes."""
        return self.of("/run/processing/podinfo")

    @property
    def credentials(self) -> Path:
        """The Secret's keys as files."""
        return self.of("/run/processing/credentials")

    @property
    def web_identity_token(self) -> Path:
        """The token of the job's ServiceAccount, with `s3.roleArn`."""
        return self.of("/run/processing/web-identity/token")

    @property
    def guard(self) -> str:
        """How the store is guarded; a test's store is on the loopback device."""
        return NOT_INSIDE if os.fspath(self.root) == "/" else NOT_ON_NODE

    @property
    def ca_bundle(self) -> Path:
        """The keys of the ConfigMap of `s3.caBundle` as files; AWS_CA_BUNDLE names one of them."""
        return self.of("/run/processing/ca-bundle")

    @property
    def termination_log(self) -> Path:
        """Where the kubelet reads the result."""
        return self.of("/dev/termination-log")

    @property
    def launcher(self) -> Path:
        """The launcher in this image; `PROCESSING_LAUNCHER` names another."""
        return Path(os.environ.get("PROCESSING_LAUNCHER", LAUNCHER))


def below_workspace(path: str) -> str:
    """Give an absolute path of the plan as one below the workspace; it must be there."""
    if not path.startswith(WORKSPACE + "/"):
        raise ValueError(f"{path!r} is not below {WORKSPACE}")
    return path[len(WORKSPACE) + 1 :].strip("/")
