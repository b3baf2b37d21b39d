"""A machine's role, by its metadata service, version 2; version 1, which anybody may ask, is not fallen back on.

Sources: "IMDS credential provider" of the AWS SDKs and Tools reference guide (the variables); "Use the Instance
Metadata Service" and "Retrieve security credentials from instance metadata" of the EC2 user guide.
"""

from __future__ import annotations

from processing_agent.engines.fast.identity.exchange import Service, refused
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.http import parse_endpoint
from processing_agent.s3.temporary import of_json, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_agent.engines.fast.identity.exchange import Exchange
    from processing_agent.s3.http import Answer
    from processing_agent.s3.temporary import Temporary

ENDPOINT, MODE, DISABLED = (
    f"AWS_EC2_METADATA_{name}" for name in ("SERVICE_ENDPOINT", "SERVICE_ENDPOINT_MODE", "DISABLED")
)
TIMEOUT, ATTEMPTS = "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"  # each 1 if not set
BY_MODE = {"ipv4": "http://169.254.169.254", "ipv6": "http://[fd00:ec2::254]"}
SESSION, ROLES = "/latest/api/token", "/latest/meta-data/iam/security-credentials/"
LASTS = {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
UNAUTHORIZED, NOT_FOUND = 401, 404
NOT_OFFERED = {403, 404, 405}


class Instance:
    """See `identity.Source`."""

    def __init__(self, exchange: Exchange, environment: Mapping[str, str]) -> None:
        """Read the variables.

        Raises:
            StoreFault: DENIED, naming the variable that is not as it should be.
        """
        self._exchange = exchange
        self._is_disabled = environment.get(DISABLED, "").lower() == "true"
        mode = environment.get(MODE, "").lower()
        try:
            endpoint = parse_endpoint(environment.get(ENDPOINT) or BY_MODE.get(mode, BY_MODE["ipv4"]))
        except ValueError:
            raise StoreFault(Kind.DENIED, f"instance metadata: {ENDPOINT} must be http(s)://HOST[:PORT]") from None
        self._path = endpoint.path
        self._attempts = int(_number(environment, ATTEMPTS))
        step = "check the role that is attached to the machine"
        self._service = Service(
            "instance metadata", endpoint.site, step, direct=True, patience=_number(environment, TIMEOUT)
        )
        self._has_given = False
        self._session = ""

    async def fetch(self, *, anew: bool) -> Temporary | None:  # noqa: ARG002 - each time is anew
        """Ask for the role and its keys; None: this is no such machine, or it has no role."""
        if self._is_disabled:
            return None
        if not self._session and not await self._begin_session():
            return None
        roles = await self._get(ROLES)
        if roles.status == NOT_FOUND:
            return None
        name = roles.body.decode("utf-8", "replace").split()
        if not roles.is_success or not name:
            raise refused(self._service, roles)
        found = await self._exchange.keys(self._service, self._get(f"{ROLES}{name[0]}"), self._parse)
        self._has_given = True
        return found

    def _parse(self, body: bytes) -> Temporary:
        code, message = refusal(body)
        if code not in {"", "Success"}:  # a success may say in its text that it is none
            raise self._service.fault(Kind.DENIED, f"gives no keys: {message or 'no reason given'}", code=code)
        return of_json(body)

    async def _begin_session(self) -> bool:
        for left in reversed(range(max(1, self._attempts))):
            try:
                answer = await self._exchange.ask(self._service, "PUT", f"{self._path}{SESSION}", LASTS)
                break
            except StoreFault:
                if self._has_given:
                    raise
                if not left:
                    return False  # there is nobody: most machines are none of AWS's
        if answer.status in NOT_OFFERED and not self._has_given:
            return False
        if not answer.is_success:
            raise refused(self._service, answer)
        self._session = answer.body.decode("latin-1").strip()
        self._service.secrets = [self._session]
        return True

    async def _get(self, target: str) -> Answer:
        for _ in range(2):
            headers = {"x-aws-ec2-metadata-token": self._session}
            answer = await self._exchange.ask(self._service, "GET", f"{self._path}{target}", headers)
            if answer.status != UNAUTHORIZED or not await self._begin_session():
                break
        return answer


def _number(environment: Mapping[str, str], name: str) -> float:
    try:
        return max(0.1, float(environment.get(name) or 1))
    except ValueError:
        return 1.0
