"""An engine without a store, for the rules around it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processing_agent.engines import Get, Listed, Observer, Put, PutStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.faults import StoreFault


@dataclass
class FakeEngine:
    """Lists what it is given, writes each object's key as its content, takes note of what it is asked to send."""

    observer: Observer
    listing: list[Listed] = field(default_factory=list)
    refuses: dict[str, StoreFault] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    in_flight: int = 3

    def list(self, _bucket: str, prefix: str) -> Iterator[Listed]:
        return (found for found in self.listing if found[0].startswith(prefix))

    def fetch(self, requests: Iterable[Get], into: Beneath, journal: Journal) -> None:
        for get in requests:
            fd = into.create(get.temporary)
            os.write(fd, get.key.encode())
            os.close(fd)
            journal.done(get.ordinal)
            into.rename(get.temporary, get.path)
            self.fetched.append(get.key)
            self.observer.finished(get.ordinal, get.size, "length")

    def put(self, requests: Iterable[Put | PutStream], _source: Beneath, journal: Journal) -> None:
        for put in requests:
            if fault := self.refuses.get(put.bucket):
                self.observer.failed(put.ordinal, fault)
                continue
            self.sent.append(put.key)
            if isinstance(put, Put) and put.doubtful:
                self.doubtful.append(put.key)
            journal.done(put.ordinal)
            self.observer.finished(put.ordinal, 1, "CRC64NVME")

    def close(self) -> None: ...
