"""Keys that end, as AWS's services give them: STS in XML, the endpoints of containers and instances in JSON.

Sources: "AssumeRoleWithWebIdentity" of the AWS STS API reference; "Container credential provider" and "IMDS credential
provider" of the AWS SDKs and Tools reference guide; "Retrieve security credentials from instance metadata" of the EC2
user guide.
"""

from __future__ import annotations

from processing_agent.credentials import Keys
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.xml import BadXml, text_of

if TYPE_CHECKING:
    from typing import Any

MOST_MESSAGE = 200
STS_NAMES = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
JSON_NAMES = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
FOREVER = float("inf")


class BadKeys(ValueError):  # noqa: N818 - named for what is so
    """An answer that should hold keys, and does not."""


class Temporary:
    """Keys, and when they end: seconds since the epoch, by the clock of whoever gave them."""

    __slots__ = ("ends", "keys")

    def __init__(self, keys: Keys, ends: float) -> None:
        self.keys, self.ends = keys, ends


def of_sts(body: bytes) -> Temporary:
    """Read an answer to AssumeRoleWithWebIdentity.

    Raises:
        BadKeys: it is none.
    """
    text = body.decode("utf-8", "replace")
    begin = text.find("<Credentials>")
    if begin < 0:
        raise BadKeys("it holds no Credentials")
    try:
        values = [text_of(text, name, begin) for name in STS_NAMES]
    except BadXml as error:
        raise BadKeys(f"it is not XML: {error}") from None
    return _temporary(STS_NAMES, values)


def of_json(body: bytes) -> Temporary:
    """Read an answer of a container's or an instance's endpoint.

    Raises:
        BadKeys: it is none.
    """
    found = _object(body)
    if found is None:
        raise BadKeys("it is no JSON object")
    values = [str(found.get(name) or "") for name in JSON_NAMES]
    return _temporary(JSON_NAMES, values, may_last=True)


def refusal(body: bytes) -> tuple[str, str]:
    """Give a refusal's code and message, each empty if there is none; STS refuses in XML, the others in JSON."""
    if body.lstrip()[:1] == b"{":
        found = {name.lower(): value for name, value in (_object(body) or {}).items()}
        return str(found.get("code") or ""), str(found.get("message") or "")[:MOST_MESSAGE]
    text = body.decode("utf-8", "replace")
    try:
        return text_of(text, "Code"), text_of(text, "Message")[:MOST_MESSAGE]
    except BadXml:
        return "", ""


def _object(body: bytes) -> dict[str, Any] | None:
    import json  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _temporary(names: tuple[str, ...], values: list[str], *, may_last: bool = False) -> Temporary:
    access, secret, token, ends = values
    needed = values[:2] if may_last else values
    for name, value in zip(names, needed, strict=False):
        if not value:
            raise BadKeys(f"it has no {name}")
    return Temporary(Keys(access, secret, token or None), _moment(ends) if ends else FOREVER)


def _moment(text: str) -> float:
    """Read a time of ISO 8601."""
    from datetime import UTC, datetime  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadKeys("its Expiration is no time") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
