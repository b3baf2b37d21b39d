"""Running other programs."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.cluster.errors import ClusterError


def run(
    *command: str | Path, check: bool = True, text: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end and keep the output.

    Raises:
        ClusterError: the program ended with a code other than 0 and `check` is set.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words, input=text, text=True, capture_output=True, check=False, env={**os.environ, **(env or {})}
    )
    if check and done.returncode:
        raise ClusterError(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    return done


def output(*command: str | Path) -> str:
    return run(*command).stdout
