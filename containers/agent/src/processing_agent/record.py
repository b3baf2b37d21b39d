"""The launcher's exit record, and what follows from it for the outputs."""

from __future__ import annotations

import os
import stat

from processing_agent.light import TYPE_CHECKING, Path, record
from processing_agent.quick_json import loads

if TYPE_CHECKING:
    from typing import Any

    from processing_agent.plan import Output

MOST = 64 << 10  # bytes: the script could put anything in its place
EXITED = "Exited"
# ends that no new attempt of the same script follows: what it left is all there will be
FINAL_ENDS = frozenset({"StopRequested", "MaxRuntimeExceeded", "WorkspaceFull", "Terminated"})


@record(frozen=True, slots=True)
class ExitRecord:
    """How the script ended, in the launcher's words. The script could forge it, to its own harm alone."""

    code: int
    signal: int
    reason: str
    milliseconds: int
    cpu_milliseconds: int
    peak_memory: int
    oom_kills: int
    message: str

    def short(self) -> dict[str, Any]:
        """Give it as the result has it, without the message."""
        return {
            "code": self.code,
            "signal": self.signal,
            "reason": self.reason,
            "ms": self.milliseconds,
            "cpuMs": self.cpu_milliseconds,
            "peak": self.peak_memory,
            "oom": self.oom_kills,
        }

    @property
    def succeeded(self) -> bool:
        """Tell whether the script ended by itself, with 0."""
        return self.code == 0 and self.reason == EXITED


def read_record(path: Path) -> ExitRecord | None:
    """Read the record; None when there is none that can be read (the launcher was killed)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        raw = os.read(fd, MOST) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)
    try:
        return _record(loads(raw))
    except (ValueError, TypeError, AttributeError):
        return None


def _record(raw: dict[str, Any]) -> ExitRecord:
    return ExitRecord(
        code=int(raw.get("code", 0)),
        signal=int(raw.get("signal", 0)),
        reason=str(raw.get("reason", "")),
        milliseconds=int(raw.get("milliseconds", 0)),
        cpu_milliseconds=int(raw.get("cpuMilliseconds", 0)),
        peak_memory=int(raw.get("peakMemoryBytes", 0)),
        oom_kills=int(raw.get("oomKills", 0)),
        message=str(raw.get("message", "")),
    )


def wanted(output: Output, record: ExitRecord | None, *, final: bool) -> bool:
    """Say whether an output is uploaded after this end of the script.

    `final` False: a failed script is tried again, and only its OnFailure outputs are kept, so that attempts do not mix
    under one prefix. A stop, a timeout or a deletion is not tried again.
    """
    if record is not None and record.succeeded:
        return output.upload_on != "OnFailure"
    tried_again = not final and (record is None or record.reason not in FINAL_ENDS)
    if tried_again:
        return output.upload_on == "OnFailure"
    return output.upload_on != "OnSuccess"
