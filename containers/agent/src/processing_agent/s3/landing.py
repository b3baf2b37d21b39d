"""Where an object lands on disk (SageMaker's S3Prefix rules, which its own documentation only shows by example).

Let P be the key part of the address. If P is empty or ends in `/`, or the key starts with `P/`, P and the slash are
stripped. Otherwise P is stripped up to and including its last `/`, so that the whole last name stays.
"""

from __future__ import annotations

from processing_agent.light import record
from processing_agent.s3.names import UnsafeKey, shown, why_unsafe


@record(frozen=True, slots=True)
class Landing:
    """One object's place below its input's directory; `relative` is empty for the directory itself."""

    relative: str
    is_directory: bool
    # taken because its name begins like P, as `train-x.csv` does for `.../train`: rarely meant, so it is warned about
    is_sibling: bool


def land(prefix: str, key: str, size: int, directory: str) -> Landing:
    """Say where `key`, found under `prefix`, lands below the absolute `directory`.

    A key that ends in a slash and has no bytes is how consoles make a folder: it becomes an empty directory.

    Raises:
        UnsafeKey: the key's rest is no safe path.
    """
    relative, is_sibling = _strip(prefix, key)
    is_directory = key.endswith("/") and size == 0
    if is_directory:
        relative = relative.removesuffix("/")
        if not relative:
            return Landing("", is_directory=True, is_sibling=False)
    if why := why_unsafe(relative, directory):
        raise UnsafeKey(f"object {shown(key)} cannot become a file below {directory}: {why}")
    return Landing(relative, is_directory, is_sibling)


def _strip(prefix: str, key: str) -> tuple[str, bool]:
    if not prefix or prefix.endswith("/"):
        return key[len(prefix) :], False
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :], False
    return key[prefix.rfind("/") + 1 :], key != prefix
