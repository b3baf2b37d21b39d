"""Two things that want one path, found in one pass over the sorted paths of everything that is to be written."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING, record
from processing_agent.s3.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable


class KeyCollision(Exception):  # noqa: N818 - named for what is so
    """Two objects (or an object and a directory) that cannot both exist on disk."""


@record(frozen=True, slots=True)
class Claim:
    """Something that will be at `path` (relative to the workspace). Sorts files before directories of one path."""

    path: str
    is_directory: bool
    what: object  # str(what) names it; built only for a message


def check(claims: Iterable[Claim]) -> None:
    """Go through claims sorted by (path, is_directory).

    Sorted paths put a file's would-be children behind it, with names like `a-b` between `a` and `a/b`; so the files
    whose path is a string prefix of the current one are kept on a stack. Its depth is bounded by a path's length.

    Raises:
        KeyCollision: naming both.
    """
    files: list[Claim] = []
    for claim in claims:
        while files and not claim.path.startswith(files[-1].path):
            files.pop()
        for file in files:
            _compare(file, claim)
        if not claim.is_directory:
            files.append(claim)


def _compare(file: Claim, claim: Claim) -> None:
    rest = claim.path[len(file.path) :]
    if not rest and not claim.is_directory:
        raise KeyCollision(f"{file.what} and {claim.what} would be the same file: {shown(claim.path)}")
    if not rest or rest.startswith("/"):
        raise KeyCollision(f"{file.what} would be a file where {claim.what} needs a directory: {shown(file.path)}")
