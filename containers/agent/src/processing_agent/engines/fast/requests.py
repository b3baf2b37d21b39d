"""Every request of the engine goes through here: it is tried until it is answered, denied or out of time."""

from __future__ import annotations

import itertools

from processing_agent.engines.fast.clock import Clock
from processing_agent.engines.fast.disk import UNITS
from processing_agent.engines.fast.faults import of_answer, of_network
from processing_agent.engines.fast.keys import KeyRing
from processing_agent.engines.fast.messages import FilePart, Request, Sink, Stalled
from processing_agent.engines.fast.pool import Pool
from processing_agent.engines.fast.quick import Begun
from processing_agent.engines.fast.window import Window
from processing_agent.light import TYPE_CHECKING, TypeVar, field, record
from processing_agent.s3.faults import NEXT_STEP, Kind, StoreFault
from processing_agent.s3.http import Answer, BadAnswer, aws_endpoint, is_bucket, is_region, parse_endpoint
from processing_agent.s3.sigv4 import Signer, quote_path
from processing_agent.s3.xml import BadXml

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.credentials import Keys, KeySource
    from processing_agent.engines import Observer, Store
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.quick import Quick
    from processing_agent.s3.http import Endpoint, Site
    from processing_agent.watch import Watch

T = TypeVar("T")

STALE_FOR = 300.0  # s that expired credentials are given to be replaced
WITH_LENGTH = {"PUT", "POST"}
RENEWABLE = {Kind.STALE, Kind.DENIED}  # other keys may help


@record(frozen=True, slots=True)
class Call:
    """One S3 operation. `query` is encoded; `headers` have lower-case names."""

    method: str
    bucket: str
    key: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FilePart = b""
    sink: Sink | None = None
    span: Callable[[], str] | None = None  # gives the Range of the next try, which goes on where the last one ended


@record(frozen=True, slots=True)
class Place:
    """Where a bucket is: `base` is in front of every key, for `prefix` and `extra` see `Pool.form`.

    Kept until keys or region are others.
    """

    site: Site
    base: str
    authority: str
    prefix: str
    extra: str
    signer: Signer


class Requests:
    """Shared by all objects: one window, one set of keys, one clock."""

    def __init__(self, loop: Loop, store: Store, keys: KeySource, watch: Watch, observer: Observer) -> None:
        self._store, self._observer = store, observer
        self.pool = Pool(loop, store.ca_bundle, store.guard)
        self._ring = KeyRing(loop, keys, self.pool, store.region)
        self._region = self._ring.region
        self._regions: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        self._signed_by: Keys | None = None
        self._endpoint = parse_endpoint(store.endpoint) if store.endpoint else None
        self._window = Window(loop, watch, UNITS)
        self._clock = Clock()
        self._stale_since: float | None = None
        self._has_retried = False

    def begins(self, call: Call, quick: Quick) -> bool:
        """Begin a request that needs no coroutine, if nothing has to be waited for.

        Raises:
            StoreFault: it is not possible.
        """
        keys = self._ring.at_once()
        if keys is None or isinstance(call.body, FilePart):
            return False
        place = self._place(call, keys)
        if not self._window.enters_now():
            return False
        connection = self.pool.free(place.site)
        if connection is None:
            self._window.leave()
            return False
        head = self._prepared(call, place).head
        connection.begin()
        quick.send(Begun(place.site, connection, keys), head + call.body)
        return True

    def ended_well(self, begun: Begun) -> None:
        """Take note of a success of what `begins` began."""
        self.pool.give_back(begun.site, begun.connection)
        self._window.leave()
        self._answered()

    async def ask(self, call: Call, begun: Begun | None = None) -> Answer:
        """Do it, again and again while time may heal what goes wrong. `begun`: go on with this first.

        Raises:
            StoreFault: what time does not heal.
            FileShrank: the file that is sent.
        """
        for tries in itertools.count(1):
            if begun is None:
                await self._window.enter()
            try:
                answer = await self._tried(call, begun)
            finally:
                self._window.leave()
            begun = None
            if answer is not None:
                answer.tries = tries
                return answer
        raise AssertionError

    async def _tried(self, call: Call, begun: Begun | None) -> Answer | None:
        """Try one time; None when it is worth another."""
        answer = None
        try:
            keys = begun.keys if begun is not None else await self._ring.keys()
            answer = await self._once(call, keys, begun)
            if self._corrected(call, answer):
                return None
            fault = of_answer(answer, call.bucket, call.key, keys)
            if fault and fault.kind in RENEWABLE and await self._ring.replace(keys, expired=fault.kind is Kind.STALE):
                return None
        except StoreFault as error:
            fault = _placed(error, call)
        if fault is not None and self._worth_retrying(fault):
            return None
        self._answered()
        if fault is not None:
            raise fault
        return answer

    async def _once(self, call: Call, keys: Keys, begun: Begun | None = None) -> Answer:
        """Do it one time, whatever comes. A connection that was closed since its last use is no answer: at once anew.

        Raises:
            StoreFault: there is no answer at all.
        """
        fresh = False
        while True:
            try:
                if begun is None:
                    place = self._place(call, keys)
                    request, site = self._prepared(call, place), place.site
                    connection = await self.pool.take(site, fresh=fresh)
                else:
                    request, site, connection = Request(call.method, b"", b"", call.sink), begun.site, begun.connection
                reused = connection.used
                try:
                    return await connection.exchange(request, begun)
                except OSError as error:
                    if not reused or connection.answered or isinstance(error, Stalled):
                        raise
                    fresh = self._has_retried = True
                    self._observer.retrying(of_network(error, call.bucket, call.key))
                finally:
                    self.pool.give_back(site, connection)
                begun = None
            except (OSError, BadAnswer) as error:
                raise of_network(error, call.bucket, call.key) from None

    async def read(self, call: Call, parse: Callable[[bytes], T]) -> T:
        """Do it, and understand the answer; one that cannot be understood is as good as none.

        Raises:
            StoreFault: what time does not heal.
        """
        while True:
            answer = await self.ask(call)
            try:
                return parse(answer.body)
            except BadXml as error:
                fault = StoreFault(Kind.UNAVAILABLE, f"{NEXT_STEP[Kind.UNAVAILABLE]}: {error}", call.bucket, call.key)
                self._worth_retrying(fault)

    async def tidy(self, call: Call) -> Answer:
        """Do it one time, without waiting for anything: for tidying up when there is no time left.

        Raises:
            StoreFault: whatever went wrong.
        """
        keys = await self._ring.keys()
        answer = await self._once(call, keys)
        if fault := of_answer(answer, call.bucket, call.key, keys):
            raise fault
        return answer

    def _place(self, call: Call, keys: Keys) -> Place:
        """Say where a bucket is and who signs for it.

        Raises:
            StoreFault: no bucket can have this name.
        """
        if keys is not self._signed_by:
            self._places.clear()
            self._signed_by = keys
        place = self._places.get(call.bucket)
        if place is None:
            if not is_bucket(call.bucket):
                raise StoreFault(Kind.NO_BUCKET, "request not possible: Invalid bucket name", call.bucket, call.key)
            region = self._regions.get(call.bucket, self._region)
            site, base = self._endpoint_of(region).of_bucket(call.bucket, self._store.addressing)
            prefix, extra = self.pool.form(site)
            place = Place(site, base, site.authority, prefix, extra, Signer(keys, region))
            self._places[call.bucket] = place
        return place

    def _prepared(self, call: Call, place: Place) -> Request:
        path = f"{place.base}/{quote_path(call.key)}" if call.key else place.base or "/"
        headers = {"host": place.authority, **call.headers}
        if call.span is not None:
            headers["range"] = call.span()
        signed = place.signer.sign(call.method, path, call.query, headers, now=self._clock.now())
        size = call.body.size if isinstance(call.body, FilePart) else len(call.body)
        if size or call.method in WITH_LENGTH:
            signed["content-length"] = str(size)
        target = f"{path}?{call.query}" if call.query else path
        lines = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        head = f"{call.method} {place.prefix}{target} HTTP/1.1\r\n{lines}{place.extra}\r\n".encode("latin-1")
        return Request(call.method, head, call.body, call.sink)

    def _endpoint_of(self, region: str) -> Endpoint:
        return self._endpoint or aws_endpoint(region)

    def _corrected(self, call: Call, answer: Answer) -> bool:
        """Learn from a refusal what was wrong with the region or the clock; True when there was something."""
        if answer.is_success:
            return False
        region = answer.headers.get("x-amz-bucket-region", "")
        if is_region(region) and region != self._regions.get(call.bucket, self._region):
            self._regions[call.bucket] = region
            self._places.pop(call.bucket, None)
            return True
        return self._clock.corrected(answer)

    def _worth_retrying(self, fault: StoreFault) -> bool:
        if fault.kind is Kind.STALE:
            now = self._window.now()
            self._stale_since = self._stale_since or now
            if now - self._stale_since > STALE_FOR:
                fault.kind = Kind.DENIED
                return False
        elif fault.kind is not Kind.UNAVAILABLE:
            return False
        self._window.failed()
        self._observer.retrying(fault)
        return True

    def _answered(self) -> None:
        had_retried = self._has_retried or self._stale_since is not None
        self._has_retried, self._stale_since = False, None
        if self._window.succeeded() or had_retried:
            self._observer.recovered()


def _placed(fault: StoreFault, call: Call) -> StoreFault:
    """Name bucket and key where a fault knows of none: what has to do with keys or a proxy is no object's own."""
    if fault.bucket:
        return fault
    return StoreFault(fault.kind, fault.detail, call.bucket, call.key, fault.status, fault.code)
