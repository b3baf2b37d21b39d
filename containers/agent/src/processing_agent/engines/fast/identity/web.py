"""A web identity: a token of a Pod's service account for the keys of a role.

Sources: "Assume role with web identity" (the variables) and "Service-specific endpoints" of the AWS SDKs and Tools
reference guide; "AssumeRoleWithWebIdentity" of the AWS STS API reference; "AWS STS endpoints" of the AWS general
reference.
"""

from __future__ import annotations

import time

from processing_agent.engines.fast.identity.exchange import Service, secret_of
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.http import parse_endpoint
from processing_agent.s3.sigv4 import query_of
from processing_agent.s3.temporary import of_sts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_agent.engines.fast.identity.exchange import Exchange
    from processing_agent.s3.temporary import Temporary

TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a name, not a secret
ROLE, SESSION = "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"
ENDPOINTS = ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL")
VERSION = "2011-06-15"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


class WebIdentity:
    """See `identity.Source`."""

    def __init__(self, exchange: Exchange, environment: Mapping[str, str], region: str) -> None:
        """Read the variables.

        Raises:
            StoreFault: DENIED, naming the variable that is not as it should be.
        """
        self._exchange = exchange
        self._file, self._role = environment[TOKEN_FILE], environment.get(ROLE, "")
        if not self._role:
            raise StoreFault(Kind.DENIED, f"web identity: {TOKEN_FILE} is set, {ROLE} is not: set it to the role's ARN")
        self._session = environment.get(SESSION) or f"processing-agent-{int(time.time())}"
        name, url = _endpoint(environment, region)
        try:
            endpoint = parse_endpoint(url)
        except ValueError:
            raise StoreFault(Kind.DENIED, f"web identity: {name} must be http(s)://HOST[:PORT]") from None
        self._target = f"{endpoint.path}/"
        step = f"check the trust policy of {self._role}, the service account and its token"
        self._service = Service("web identity", endpoint.site, step)

    async def fetch(self, *, anew: bool) -> Temporary | None:  # noqa: ARG002 - each time is anew
        """Exchange the token of now."""
        token = secret_of(TOKEN_FILE, self._file)
        self._service.secrets = [token]
        form = query_of(
            [
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", VERSION),
                ("RoleArn", self._role),
                ("RoleSessionName", self._session),
                ("WebIdentityToken", token),
            ]
        )
        answer = self._exchange.ask(self._service, "POST", self._target, FORM, form.encode("ascii"))
        return await self._exchange.keys(self._service, answer, of_sts)


def _endpoint(environment: Mapping[str, str], region: str) -> tuple[str, str]:
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in ENDPOINTS:
            if url := environment.get(name):
                return name, url
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return "AWS_REGION", f"https://sts.{region}.{suffix}"
