"""Profiles, SSO, processes: left to botocore, which is loaded only for them. It takes 0.3 s to load."""

from __future__ import annotations

from processing_agent.engines.fast.waiting import aside
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.temporary import FOREVER, Temporary

if TYPE_CHECKING:
    from typing import Any

    from processing_agent.engines.fast.loop import Loop

OURS = ("env", "container-role", "iam-role")  # botocore's names of what is asked without it


class Libraries:
    """See `identity.Source`. What botocore does blocks, so it is done in a thread."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._found: Any = None

    async def fetch(self, *, anew: bool) -> Temporary | None:
        """Have botocore look, and renew what it found."""
        if anew:
            self._found = None
        found: Temporary | None = await aside(self._loop, self._read)
        return found

    def _read(self) -> Temporary | None:
        import botocore.exceptions  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

        from processing_agent.credentials import Keys  # noqa: PLC0415

        try:
            if self._found is None:
                self._found = _look()
            if self._found is None:
                return None
            frozen = self._found.get_frozen_credentials()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise _fault(error) from None
        ends = getattr(self._found, "_expiry_time", None)  # public in no version
        return Temporary(
            Keys(frozen.access_key, frozen.secret_key, frozen.token), ends.timestamp() if ends else FOREVER
        )


def _look() -> Any:
    import botocore.session  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    resolver = botocore.session.get_session().get_component("credential_provider")
    for provider in OURS:
        resolver.remove(provider)
    return resolver.load_credentials()


def _fault(error: Exception) -> StoreFault:
    import botocore.exceptions as boto  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    if isinstance(error, (boto.ConnectionError, boto.HTTPClientError)):
        return StoreFault(Kind.UNAVAILABLE, f"the profile's credentials: no answer: {type(error).__name__}")
    said = getattr(error, "response", {}).get("Error", {})
    # a process's output may be in the text of this one
    text = "" if isinstance(error, boto.CredentialRetrievalError) else f": {str(error)[:160]}"
    detail = f"the profile's credentials: {type(error).__name__}{text}: check AWS_PROFILE and its files"
    return StoreFault(Kind.DENIED, detail, code=str(said.get("Code", "")))
