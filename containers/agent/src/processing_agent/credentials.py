"""Where keys come from: the files of a Secret, or whatever the environment has."""

from __future__ import annotations

import os

from processing_agent.light import TYPE_CHECKING, Protocol, record
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from processing_agent.light import Path

REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - a name, not a secret

TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a name, not a secret

# by these the AWS libraries find keys, besides by what `ELSEWHERE` closes
_FOUND_BY = (
    *REQUIRED, SESSION_TOKEN, "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)  # fmt: skip
_ELSEWHERE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BOTO_CONFIG": os.devnull,
}


class MissingKeys(Exception):  # noqa: N818 - named for what is so
    """The Secret, or a key in it, is not there (yet)."""


@record(frozen=True, slots=True)
class Keys:
    """One set of keys. Not shown in any representation."""

    access: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return "Keys(...)"


class KeySource(Protocol):
    """Asked for keys at the beginning, and again when the store calls them expired."""

    def read(self) -> Keys | None:
        """Give the keys of now; None leaves the choice to the engine: the AWS variables, a Pod's or machine's role."""


class Environment:
    """The AWS variables, web identity, container credentials, instance metadata: by the AWS SDKs' rules."""

    def read(self) -> Keys | None:
        """Leave it to the engine."""
        return None


class NotForThisStore:
    """There are none: what the platform gives a Pod is AWS's, and the store is not."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def read(self) -> Keys | None:
        """Say so.

        Raises:
            StoreFault: DENIED, with the next step.
        """
        raise StoreFault(
            Kind.DENIED,
            f"no credentials for {self._endpoint}: what the platform gives a Pod (EKS Pod Identity, IRSA, the node's "
            "role) is not sent to a store that is not AWS's: set s3.secretName or s3.roleArn, or have the "
            "administrator list the endpoint in agent.platformCredentialEndpoints",
        )


def forget_platform(environment: MutableMapping[str, str], own_token: str) -> bool:
    """Take away whatever leads the AWS libraries to the platform's keys, whoever has put it there.

    The operator's own token (`s3.roleArn`) stays: the store's STS changes it for keys. True if there is one.
    """
    has_own = environment.get(TOKEN_FILE) == own_token
    for name in (*_FOUND_BY, *(() if has_own else (TOKEN_FILE,))):
        environment.pop(name, None)
    environment.update(_ELSEWHERE)
    return has_own


class SecretFiles:
    """A Secret mounted as a directory: the kubelet keeps its files up to date."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name

    def read(self) -> Keys | None:
        """Read the files.

        Raises:
            MissingKeys: naming the Secret and the key.
        """
        values = {name: self._value(name) for name in (*REQUIRED, SESSION_TOKEN)}
        missing = [name for name in REQUIRED if not values[name]]
        if len(missing) == len(REQUIRED):
            raise MissingKeys(
                f"Secret {self._name!r} with the S3 credentials is not there: create it in the job's namespace, "
                f"with the keys {REQUIRED[0]} and {REQUIRED[1]}"
            )
        if missing:
            raise MissingKeys(f"Secret {self._name!r} has no key {missing[0]}: add it")
        return Keys(values[REQUIRED[0]], values[REQUIRED[1]], values[SESSION_TOKEN] or None)

    def _value(self, name: str) -> str:
        try:
            return (self._directory / name).read_text(encoding="utf-8").strip()
        except OSError:
            return ""


def shell_region() -> str | None:
    """Give the region of the AWS variables."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def shell_endpoint() -> str | None:
    """Give the endpoint of the AWS variables, S3's own first."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
