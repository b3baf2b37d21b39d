"""From a socket to a file without passing through our memory: `splice`, by way of one pipe that all share.

What went into the pipe is taken out before anybody waits, so the pipe belongs to nobody in between.
"""

from __future__ import annotations

import errno
import fcntl
import os

from processing_agent.light import suppress

SIZE = 1 << 20  # bytes: what an ordinary user may ask for (fs.pipe-max-size)
MOVE, NONBLOCK = 1, 2  # splice(2)


class Pipe:
    """Made when it is first used."""

    def __init__(self) -> None:
        self._reader = self._writer = -1
        self._splices = True  # the file system takes part

    def take(self, fd: int, most: int) -> int:
        """Take bytes of a socket into the pipe; 0 at the end.

        Raises:
            BlockingIOError: there are none now.
        """
        if self._writer < 0:
            self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
            with suppress(OSError):
                fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, SIZE)
        return os.splice(fd, self._writer, min(most, SIZE), flags=MOVE | NONBLOCK)

    def give(self, fd: int, offset: int, size: int) -> None:
        """Write what was taken into a file.

        Raises:
            OSError: the disk's; what the pipe still holds is dropped.
        """
        try:
            while size:
                done = self._splice(fd, offset, size)
                offset, size = offset + done, size - done
        except OSError:
            self.close()
            raise

    def _splice(self, fd: int, offset: int, size: int) -> int:
        if self._splices:
            try:
                return os.splice(self._reader, fd, size, offset_dst=offset, flags=MOVE)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._splices = False
        block = os.read(self._reader, size)
        done = 0
        while done < len(block):
            done += os.pwrite(fd, block[done:], offset + done)
        return done

    def close(self) -> None:
        """Let go of it."""
        if self._writer >= 0:
            os.close(self._reader)
            os.close(self._writer)
            self._reader = self._writer = -1
