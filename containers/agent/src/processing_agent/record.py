"""The launcher's exit record, and what follows from it for the outputs."""

from __future__ import annotations

import os
import stat
from binascii import crc32

from processing_agent.light import TYPE_CHECKING, Path, record
from processing_agent.quick_json import loads

if TYPE_CHECKING:
    from typing import Any

    from processing_agent.plan import Output

SIZE, HEADER = 4096, 8  # bytes of the file; of these, before the JSON: its length and its CRC-32, big endian
MOST = (1 << 63) - 1  # of any number in it
EXITED = "Exited"
# ends that no new attempt of the same script follows: what it left is all there will be
FINAL_ENDS = frozenset({"StopRequested", "MaxRuntimeExceeded", "WorkspaceFull", "Terminated"})
REASONS = FINAL_ENDS | {EXITED, "Signaled", "SelfSignaled", "Hindered", "CommandNotFound"}


@record(frozen=True, slots=True)
class ExitRecord:
    """How the script ended, in the launcher's words. The script could forge it, to its own harm alone.

    `rebooted`: the machine has started anew since. What the script wrote last may never have reached the disk.
    """

    code: int
    signal: int
    reason: str
    milliseconds: int
    cpu_milliseconds: int
    peak_memory: int
    oom_kills: int
    message: str
    rebooted: bool = False

    def short(self) -> dict[str, Any]:
        """Give it as the result has it, without the message."""
        more = {"rebooted": True} if self.rebooted else {}
        return {
            "code": self.code,
            "signal": self.signal,
            "reason": self.reason,
            "ms": self.milliseconds,
            "cpuMs": self.cpu_milliseconds,
            "peak": self.peak_memory,
            "oom": self.oom_kills,
            **more,
        }

    @property
    def succeeded(self) -> bool:
        """Tell whether the script ended by itself, with 0, and all that it wrote is there."""
        return self.code == 0 and self.reason == EXITED and not self.rebooted


def read_record(path: Path, boot_id: str) -> ExitRecord | None:
    """Read the record, given the id of the running boot.

    None when there is none that can be read: the launcher was killed, or the script put something in its place.
    """
    try:
        return _record(loads(_json(_page(path))), boot_id)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def noted_oom_kills(path: Path) -> int:
    """Read how many processes the kernel has killed for want of memory since the script began; 0 when nothing tells."""
    try:
        return _number(loads(_json(_page(path)))["oomKills"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0


def _page(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(fd, SIZE) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)


def _json(page: bytes) -> bytes:
    length, checksum = (int.from_bytes(page[at : at + 4], "big") for at in (0, 4))
    text = page[HEADER : HEADER + length]
    if len(text) != length or crc32(text) != checksum:
        raise ValueError("no record, or a torn one")
    return text


def _record(raw: dict[str, Any], boot_id: str) -> ExitRecord:
    if raw["reason"] not in REASONS:
        raise ValueError("not a word of the launcher's")
    return ExitRecord(
        code=_number(raw["code"], 255),
        signal=_number(raw["signal"], 64),
        reason=raw["reason"],
        milliseconds=_number(raw["milliseconds"]),
        cpu_milliseconds=_number(raw["cpuMilliseconds"]),
        peak_memory=_number(raw["peakMemoryBytes"]),
        oom_kills=_number(raw["oomKills"]),
        message=_text(raw["message"]),
        rebooted=_text(raw["bootId"]) not in {"", boot_id},
    )


def _number(value: object, most: int = MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("not a number that the launcher writes")
    return value


def _text(value: object) -> str:
    """Give a text that can be shown: no control characters, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return "".join(character if character.isprintable() else "?" for character in value)


def wanted(output: Output, record: ExitRecord | None, *, final: bool) -> bool:
    """Say whether an output is uploaded after this end of the script. A record of before a reboot counts as none.

    `final` False: a failed script is tried again, and only its OnFailure outputs are kept, so that attempts do not mix
    under one prefix. A stop, a timeout or a deletion is not tried again.
    """
    if record is not None and record.succeeded:
        return output.upload_on != "OnFailure"
    tried_again = not final and (record is None or record.rebooted or record.reason not in FINAL_ENDS)
    if tried_again:
        return output.upload_on == "OnFailure"
    return output.upload_on != "OnSuccess"
