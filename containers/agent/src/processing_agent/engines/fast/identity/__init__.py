"""Keys that end, from the services that give them: asked in the order of the AWS SDKs.

The order ("Standardized credential providers" of the AWS SDKs and Tools reference guide): keys of the environment (see
`engines.fast.keys`), a web identity, profiles, a container's endpoint, an instance's metadata. The first that is set up
is the one; if it does not answer, the next is not asked in its place.
"""

from __future__ import annotations

import os

from processing_agent.engines.fast import profiles
from processing_agent.engines.fast.identity.container import Container
from processing_agent.engines.fast.identity.exchange import Exchange
from processing_agent.engines.fast.identity.instance import Instance
from processing_agent.engines.fast.identity.libraries import Libraries
from processing_agent.engines.fast.identity.web import TOKEN_FILE, WebIdentity
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from typing import Protocol

    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.pool import Pool
    from processing_agent.s3.temporary import Temporary

    class Source(Protocol):
        """One kind of credentials."""

        async def fetch(self, *, anew: bool) -> Temporary | None:
            """Give keys; None: there is nobody here who has any. `anew`: the store calls those of before expired."""


NO_KEYS = "no credentials: set spec.s3.secretName, spec.serviceAccountName or the AWS variables"


class Identity:
    """The source of keys; `fetch` gives those of now."""

    def __init__(self, loop: Loop, pool: Pool, region: str) -> None:
        self._exchange = Exchange(pool)
        self._loop, self._region = loop, region
        self._chosen: Source | None = None

    async def fetch(self, *, anew: bool) -> Temporary:
        """Ask the source, or look for one.

        Raises:
            StoreFault: it does not answer (UNAVAILABLE), does not want to (DENIED), or there is none (DENIED).
        """
        if self._chosen is not None:
            found = await self._chosen.fetch(anew=anew)
            if found is not None:
                return found
            self._chosen = None
        for source in self._sources():
            found = await source.fetch(anew=anew)
            if found is not None:
                self._chosen = source
                return found
        raise StoreFault(Kind.DENIED, NO_KEYS)

    def _sources(self) -> list[Source]:
        environment = os.environ
        if environment.get(TOKEN_FILE):
            return [WebIdentity(self._exchange, environment, self._region)]
        sources: list[Source] = [Libraries(self._loop)] if profiles.exist(environment) else []
        if Container.is_set(environment):
            return [*sources, Container(self._exchange, environment)]
        return [*sources, Instance(self._exchange, environment)]
