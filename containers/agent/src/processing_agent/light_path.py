"""What stands in for `pathlib.Path` in a running process; see `light`."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see `light`

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any


class Path:
    """A path, with what a fetch needs of its original; for everything else the original is loaded."""

    __slots__ = ("_text",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._text = os.fspath(path)

    def __fspath__(self) -> str:
        return self._text

    __str__ = __fspath__

    def __repr__(self) -> str:
        return f"Path({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, os.PathLike) and os.fspath(other) == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __truediv__(self, below: str) -> Path:
        return Path(os.path.join(self._text, below))

    def __getattr__(self, name: str) -> Any:
        from pathlib import Path as Original  # noqa: PLC0415 - loading it takes longer than a whole fetch

        return getattr(Original(self._text), name)

    @property
    def name(self) -> str:
        """See `pathlib`, as for everything below."""
        return os.path.basename(self._text)

    @property
    def parent(self) -> Path:
        return Path(os.path.dirname(self._text) or ".")

    def with_name(self, name: str) -> Path:
        return Path(os.path.join(os.path.dirname(self._text), name))

    def exists(self) -> bool:
        try:
            os.stat(self._text)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def mkdir(self, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
        if parents:
            os.makedirs(self._text, mode, exist_ok=exist_ok)
        elif not (exist_ok and os.path.isdir(self._text)):
            os.mkdir(self._text, mode)

    def absolute(self) -> Path:
        return Path(os.path.abspath(self._text))

    def resolve(self, *, strict: bool = False) -> Path:
        return Path(os.path.realpath(self._text, strict=strict))

    def is_dir(self) -> bool:
        return os.path.isdir(self._text)

    def stat(self) -> os.stat_result:
        return os.stat(self._text)

    def iterdir(self) -> Iterator[Path]:
        return map(self.__truediv__, os.listdir(self._text))

    def unlink(self) -> None:
        os.unlink(self._text)

    def rmdir(self) -> None:
        os.rmdir(self._text)

    def chmod(self, mode: int) -> None:
        os.chmod(self._text, mode)

    def replace(self, target: str | os.PathLike[str]) -> None:
        os.replace(self._text, target)

    def open(self, mode: str = "r", *, encoding: str | None = None) -> IO[Any]:
        return open(self._text, mode, encoding=encoding)

    def read_bytes(self) -> bytes:
        with self.open("rb") as file:
            return bytes(file.read())

    def read_text(self, encoding: str) -> str:
        with self.open(encoding=encoding) as file:
            return str(file.read())

    def write_bytes(self, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content)
