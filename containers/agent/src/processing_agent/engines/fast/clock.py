"""The store's clock: requests are signed by it, once it has said that ours is wrong."""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from processing_agent.s3.http import Answer

SKEWED = 300.0  # s: S3 takes 15 minutes, other stores less; HEAD answers name no reason, so the Date alone has to tell
REFUSALS = {400, 403}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIELDS = 6


class Clock:
    """Ours, corrected."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Give the store's time, as far as we know it."""
        return time.time() + self._offset

    def corrected(self, answer: Answer) -> bool:
        """Take over the store's time if it has refused us and its time is another; True if so."""
        if answer.status not in REFUSALS:
            return False
        theirs = http_date(answer.headers.get("date", ""))
        if theirs is None or abs(theirs - self.now()) <= SKEWED:
            return False
        self._offset = theirs - time.time()
        return True


def http_date(text: str) -> float | None:
    """Read `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7); None if it is none."""
    fields = text.split()
    if len(fields) != FIELDS or fields[2] not in MONTHS:
        return None
    try:
        hour, minute, second = map(int, fields[4].split(":"))
        day, year = int(fields[1]), int(fields[3])
        return _seconds((year, MONTHS.index(fields[2]) + 1, day, hour, minute, second, 0, 0, 0))
    except ValueError:
        return None


def iso_date(text: str) -> float:
    """Read `2009-10-12T17:50:30.000Z`, as S3's XML has it; 0 if it is none."""
    try:
        return _seconds(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0.0


def _seconds(moment: time.struct_time | tuple[int, ...]) -> float:
    import calendar  # noqa: PLC0415 - takes 13 ms to load

    return float(calendar.timegm(moment))
