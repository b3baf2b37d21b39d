"""A container's credentials: EKS Pod Identity, ECS, and whoever speaks as they do.

Source: "Container credential provider" of the AWS SDKs and Tools reference guide, also for the hosts that may be asked
in the clear.
"""

from __future__ import annotations

from processing_agent.engines.fast.identity.exchange import Service, secret_of, split
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.temporary import of_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_agent.engines.fast.identity.exchange import Exchange
    from processing_agent.s3.temporary import Temporary

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
ECS = "http://169.254.170.2"
IN_THE_CLEAR = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "::1"}
PATIENCE = 5.0  # s


class Container:
    """See `identity.Source`."""

    def __init__(self, exchange: Exchange, environment: Mapping[str, str]) -> None:
        """Read the variables; the relative address comes first.

        Raises:
            StoreFault: DENIED, naming the variable that is not as it should be.
        """
        self._exchange, self._environment = exchange, environment
        relative = environment.get(RELATIVE)
        name, url = (RELATIVE, f"{ECS}{relative}") if relative else (FULL, environment[FULL])
        try:
            site, self._target = split(url)
        except ValueError:
            raise StoreFault(Kind.DENIED, f"container credentials: {name} must be an http(s) address") from None
        if not site.tls and site.host not in IN_THE_CLEAR and not _is_loopback(site.host):
            raise StoreFault(
                Kind.DENIED,
                f"container credentials: {name} may name {site.host} only with https: keys go over plain http from a "
                f"loopback address, 169.254.170.2, 169.254.170.23 and fd00:ec2::23 alone",
            )
        step = "check the Pod's identity association and its token"
        self._service = Service("container credentials", site, step, direct=True, patience=PATIENCE)

    @staticmethod
    def is_set(environment: Mapping[str, str]) -> bool:
        """Tell whether there is such an endpoint."""
        return bool(environment.get(RELATIVE) or environment.get(FULL))

    async def fetch(self, *, anew: bool) -> Temporary | None:  # noqa: ARG002 - each time is anew
        """Ask with the token of now."""
        token = self._token()
        headers = {"authorization": token} if token else {}
        answer = self._exchange.ask(self._service, "GET", self._target, headers)
        return await self._exchange.keys(self._service, answer, of_json)

    def _token(self) -> str:
        path = self._environment.get(TOKEN_FILE)
        name = TOKEN_FILE if path else TOKEN
        token = secret_of(name, path) if path else self._environment.get(TOKEN, "")
        self._service.secrets = [token] if token else []
        if not token.isprintable():
            raise StoreFault(Kind.DENIED, f"container credentials: {name} holds what no header may: mount the token")
        return token


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    return parts[0] == "127" and len(parts) == 4 and all(part.isdigit() for part in parts)  # noqa: PLR2004 - IPv4
