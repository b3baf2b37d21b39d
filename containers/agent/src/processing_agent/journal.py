"""What an earlier run of the process got done, so that a killed one goes on where it was.

One line of JSON per fact, appended with a single write: a SIGKILL leaves whole lines and at most one torn one at the
end. Not flushed to the disk: against the loss of the machine's memory stands the boot id.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from processing_agent.light import TYPE_CHECKING, Path, suppress
from processing_agent.quick_json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
START, DONE = "start", "done"
_CHUNK = 1 << 20


def boot_id() -> str:
    """Name the running boot of the machine; empty where the kernel does not say."""
    try:
        return BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _take_over(path: Path) -> int:
    """A file of this run's own, which begins with what the run before has written.

    Where a Pod's shim was killed, that run lives on, cut off from the network: it must not write between our lines.
    """
    begun = path.with_name(path.name + ".begun")
    with suppress(FileNotFoundError):
        begun.unlink()
    file = os.open(begun, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with suppress(FileNotFoundError), path.open("rb") as before:
        while chunk := before.read(_CHUNK):
            os.write(file, chunk)
    os.lseek(file, 0, os.SEEK_SET)
    begun.replace(path)
    return file


class Journal:
    """The facts of one phase. Thread-safe. Memory: one bit per finished entry, notes of unfinished ones."""

    def __init__(self, path: Path, *, survives_reboot: bool, clock: Callable[[], float] = time.time) -> None:
        """Read what is there, or begin.

        `survives_reboot`: facts about the store do; facts about files written here do not, since their pages may
        never have reached the disk.
        """
        self._lock = allocate_lock()
        self._done = bytearray()
        self._notes: dict[int, list[list[Any]]] = {}
        self.marks: dict[str, Any] = {}
        self.resumed = False
        self.rebooted = False
        self._file = _take_over(path)
        self._load(survives_reboot=survives_reboot)
        if START not in self.marks:
            self.mark(START, clock())
        if self.marks.get("boot") != boot_id():
            self.mark("boot", boot_id())

    @property
    def started(self) -> float:
        """When the first run began, in seconds since the epoch."""
        return float(self.marks[START])

    def _load(self, *, survives_reboot: bool) -> None:
        with os.fdopen(os.dup(self._file), "rb") as file:
            whole = 0
            for line in file:
                if not line.endswith(b"\n") or not self._learn(line, survives_reboot=survives_reboot):
                    break
                whole += len(line)
        os.ftruncate(self._file, whole)
        os.lseek(self._file, whole, os.SEEK_SET)
        self.resumed = whole > 0
        self.rebooted = self.resumed and self.marks.get("boot") != boot_id()
        if self.rebooted and not survives_reboot:
            self._forget()

    def _learn(self, line: bytes, *, survives_reboot: bool) -> bool:
        try:
            kind, subject, *values = loads(line)
        except (ValueError, TypeError):
            return False
        if isinstance(subject, str):
            if kind == "boot" and not survives_reboot and self.marks.get("boot") not in {None, values[0]}:
                self._forget()
            self.marks[kind] = values[0]
        elif kind == DONE:
            self._set(subject)
        else:
            self._notes.setdefault(subject, []).append([kind, *values])
        return True

    def _forget(self) -> None:
        self._done.clear()
        self._notes.clear()

    def _append(self, fact: list[Any]) -> None:
        os.write(self._file, dumps(fact).encode("ascii") + b"\n")

    def mark(self, name: str, value: Any) -> None:
        """Keep a fact about the whole run."""
        with self._lock:
            self.marks[name] = value
            self._append([name, "", value])

    def _set(self, ordinal: int) -> None:
        byte, bit = divmod(ordinal, 8)
        if byte >= len(self._done):
            self._done.extend(bytes(byte + 1024 - len(self._done)))
        self._done[byte] |= 1 << bit
        self._notes.pop(ordinal, None)

    def done(self, ordinal: int) -> None:
        """Keep that an entry needs nothing more."""
        with self._lock:
            self._set(ordinal)
            os.write(self._file, b'["%s",%d]\n' % (DONE.encode("ascii"), ordinal))

    def is_done(self, ordinal: int) -> bool:
        """Tell whether an entry was finished, in this run or an earlier one."""
        byte, bit = divmod(ordinal, 8)
        return byte < len(self._done) and bool(self._done[byte] & 1 << bit)

    def note(self, ordinal: int, kind: str, *values: Any) -> None:
        """Keep a fact about an unfinished entry."""
        with self._lock:
            self._notes.setdefault(ordinal, []).append([kind, *values])
            self._append([kind, ordinal, *values])

    def notes(self, ordinal: int) -> list[list[Any]]:
        """Give the facts about an unfinished entry, oldest first: kind, then its values."""
        with self._lock:
            return list(self._notes.get(ordinal, ()))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
