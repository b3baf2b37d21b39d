"""Files below a directory, opened without ever following a link.

Segment by segment with O_NOFOLLOW and not `openat2(RESOLVE_BENEATH)`: it works under every seccomp profile and
sandboxed kernel, needs no ctypes, and a path has few segments.
"""

from __future__ import annotations

import os
import stat

from processing_agent.light import TYPE_CHECKING, suppress

if TYPE_CHECKING:
    from processing_agent.light import Path

DIRECTORY_MODE = 0o2775  # the group of the volume is inherited, so that any uid of the Pod's fsGroup may write
FILE_MODE = 0o664
KEPT_OPEN = 64  # directories
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NONBLOCK: a FIFO must not hold us up
_WRITE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class NotRegular(OSError):  # noqa: N818 - named for what is so
    """Something else than a regular file is where a file was expected."""


def regular(fd: int, relative: str) -> int:
    """Let pass a descriptor of a regular file; close any other.

    Raises:
        NotRegular: see there.
    """
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise NotRegular(f"{relative!r} is not a regular file")
    return fd


def segments(relative: str) -> list[bytes]:
    """Split a relative path; refuses what could lead out of its directory."""
    parts = [os.fsencode(part) for part in relative.split("/") if part]
    if any(part in {b".", b".."} for part in parts):
        raise ValueError(f"{relative!r} leads out of its directory")
    return parts


class Opened:
    """A descriptor, closed at the end of a block."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> int:
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


class _Entry:
    """A name and the directory that it is in, which is closed at the end of a block."""

    def __init__(self, directory: Opened, name: bytes) -> None:
        self._directory, self._name = directory, name

    def __enter__(self) -> tuple[int, bytes]:
        return self._directory.__enter__(), self._name

    def __exit__(self, *_: object) -> None:
        self._directory.__exit__()


class Beneath:
    """A directory and what is below it. All paths are relative to it; names may hold any bytes but `/` and NUL."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def directory(self, relative: str, *, make: bool = False) -> Opened:
        """Open a directory; the descriptor lives as long as the block that this begins."""
        current = os.dup(self._fd)
        try:
            for part in segments(relative):
                following = _enter(current, part, make=make)
                os.close(current)
                current = following
        except BaseException:
            os.close(current)
            raise
        return Opened(current)

    def _parent(self, relative: str, *, make: bool = False) -> _Entry:
        above, _, name = relative.rpartition("/")
        last = segments(name)[0]
        return _Entry(self.directory(above, make=make), last)

    def make_directory(self, relative: str) -> None:
        """Make a directory and those above it; one that is there already is left as it is."""
        with self.directory(relative, make=True):
            pass

    def names(self, relative: str) -> list[str]:
        """Give the names in a small directory; none when it is not there."""
        try:
            with self.directory(relative) as fd:
                return sorted(os.listdir(fd))  # noqa: PTH208 - pathlib knows no descriptors
        except FileNotFoundError:
            return []

    def create(self, relative: str) -> int:
        """Open a regular file for writing, made if need be, and keep what it holds."""
        with self._parent(relative, make=True) as (parent, name):
            return os.open(name, _WRITE, FILE_MODE, dir_fd=parent)

    def read(self, relative: str) -> int:
        """Open a file for reading.

        Raises:
            NotRegular: a directory, a device, a FIFO.
            OSError: not there, a link (ELOOP), not permitted.
        """
        with self._parent(relative) as (parent, name):
            return regular(os.open(name, _READ, dir_fd=parent), relative)

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name, in place of what is there; directories above it are made."""
        with self._parent(old) as (source, before), self._parent(new, make=True) as (target, after):
            os.rename(before, after, src_dir_fd=source, dst_dir_fd=target)

    def remove(self, relative: str) -> None:
        """Remove a file; not there is fine."""
        with suppress(FileNotFoundError), self._parent(relative) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def remove_tree(self, relative: str) -> None:
        """Remove a flat directory of files; not there is fine."""
        with suppress(FileNotFoundError), self.directory(relative) as fd:
            for entry in os.listdir(fd):  # noqa: PTH208 - pathlib knows no descriptors
                os.unlink(entry, dir_fd=fd)
        with suppress(FileNotFoundError), self._parent(relative) as (parent, name):
            os.rmdir(name, dir_fd=parent)

    def status(self, relative: str) -> os.stat_result | None:
        """Look at what is there, a link itself included; None when nothing is."""
        try:
            with self._parent(relative) as (parent, name):
                return os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def write_whole(self, relative: str, content: bytes, mode: int = FILE_MODE) -> None:
        """Write a small file under a temporary name, then rename it."""
        above, _, name = relative.rpartition("/")
        temporary = f"{above}/.{name[:200]}.partial" if above else f".{name[:200]}.partial"
        fd = self.create(temporary)
        with os.fdopen(fd, "wb") as file:
            file.truncate(0)
            file.write(content)
            os.fchmod(fd, mode)
        self.rename(temporary, relative)

    def free_bytes(self) -> int:
        """Say how much an ordinary user may still write here."""
        status = os.fstatvfs(self._fd)
        return status.f_bavail * status.f_frsize

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._fd)


def _last(name: str) -> str:
    """Let pass what names something in a directory; as `segments`, for a name that has no slash."""
    if name in {"", ".", ".."}:
        raise ValueError(f"{name!r} leads out of its directory")
    return name


class Places:
    """Writes or reads many files below a directory: those directories that were used last are kept open.

    What is open was entered without following a link, and stays that directory whatever happens to its name.
    """

    def __init__(self, beneath: Beneath) -> None:
        self._beneath = beneath
        self._open: dict[str, int] = {}

    def _directory(self, relative: str, *, make: bool = True) -> int:
        fd = self._open.pop(relative, None)
        if fd is None:
            if len(self._open) >= KEPT_OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            with self._beneath.directory(relative, make=make) as found:
                fd = os.dup(found)
        self._open[relative] = fd  # last again
        return fd

    def create(self, relative: str, flags: int = 0) -> int:
        """See `Beneath.create`."""
        above, _, name = relative.rpartition("/")
        return os.open(_last(name), _WRITE | flags, FILE_MODE, dir_fd=self._directory(above))

    def read(self, relative: str) -> int:
        """See `Beneath.read`."""
        above, _, name = relative.rpartition("/")
        parent = self._directory(above, make=False)
        return regular(os.open(_last(name), _READ, dir_fd=parent), relative)

    def rename(self, old: str, new: str) -> None:
        """See `Beneath.rename`."""
        source, _, before = old.rpartition("/")
        target, _, after = new.rpartition("/")
        source_fd = self._directory(source)
        os.rename(_last(before), _last(after), src_dir_fd=source_fd, dst_dir_fd=self._directory(target))

    def close(self) -> None:
        """Let go of the directories."""
        while self._open:
            os.close(self._open.popitem()[1])


def _enter(parent: int, name: bytes, *, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # another thread was first
        os.mkdir(name, 0o775, dir_fd=parent)
    fd = os.open(name, _DIRECTORY, dir_fd=parent)
    with suppress(PermissionError):
        os.fchmod(fd, DIRECTORY_MODE)  # mkdir obeys the umask
    return fd
