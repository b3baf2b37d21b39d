"""What to do about an end, where its reason alone does not tell: tables over the words of kubelet and runtime."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.domain.wording import NEXT_STEP, RUN_AGAIN

if TYPE_CHECKING:
    from processing_operator.domain.results import ExitRecord

_SIGBUS: Final = 7
_SIGNAL_BASE: Final = 128
_READ_LOG: Final = NEXT_STEP[Reason.SCRIPT_FAILED]
_SHARED_MEMORY: Final = (
    "SIGBUS: memory behind a mapped file is missing; mostly /dev/shm is full, which has 64 MiB by default",
    f"raise spec.sharedMemorySize if it uses shared memory (worker processes, data loaders); else {_READ_LOG}",
)
_OF_A_SHELL: Final = {
    126: "a shell ends so when what it calls cannot be executed",
    127: "a shell ends so when what it calls is not there",
}


POD_LIMIT: Final = "ephemeral-storage limit"
"""In the launcher's words where it was not the workspace's own size."""
_MORE_STORAGE: Final = (
    "raise spec.resources.limits.ephemeral-storage or leave it out (a LimitRange of the namespace may have set it), "
    f"or let the script write less; then {RUN_AGAIN}: as it is, it would end the same way"
)


def script_step(reason: Reason, code: int, record: ExitRecord | None) -> tuple[str, str | None]:
    """A hint at what a script's code stands for, and the step that follows; None: the reason's own."""
    if reason is Reason.WORKSPACE_FULL and record is not None and POD_LIMIT in record.message:
        return "", _MORE_STORAGE
    if reason is not Reason.SCRIPT_FAILED:
        return "", None
    if _SIGBUS in (0 if record is None else record.signal, code - _SIGNAL_BASE):
        return _SHARED_MEMORY
    return _OF_A_SHELL.get(code, ""), None


_EVICTED: Final = (
    (
        r'EmptyDir volume "workspace"',
        f"raise spec.workspace.size, or let the script write less below /opt/ml; then {RUN_AGAIN}",
    ),
    (r"EmptyDir volume", f"let the script write less there; then {RUN_AGAIN}"),
    (r"exceeds the total limit of containers|exceeded its local ephemeral storage limit", _MORE_STORAGE),
    (
        r"low on resource: (ephemeral-storage|inodes)|DiskPressure",
        f"{RUN_AGAIN}; a spec.workspace.request as large as what the job writes keeps it from nodes with less room",
    ),
    (
        r"low on resource: memory|MemoryPressure",
        f"{RUN_AGAIN}; a spec.resources.requests.memory as large as what the script uses keeps it from such nodes",
    ),
    (r"low on resource: pids|PIDPressure", f"{RUN_AGAIN}, with fewer processes: the node had no numbers left for them"),
    (r"[Ee]viction API", f"{RUN_AGAIN}: somebody has drained its node"),
)


def eviction_step(words: str) -> str | None:
    """By the words of whoever evicts; None where they are not known here."""
    return next((step for pattern, step in _EVICTED if re.search(pattern, words)), None)


_WORKING_DIR: Final = "correct spec.workingDir: a directory that the job's user may enter"
_START_ERRORS: Final[tuple[tuple[str, Reason, str | None], ...]] = (
    # a directory of the workspace cannot be mounted onto a file, onto a link to one, or below one
    (r'to rootfs at "[^"]*": .*(not a directory|file exists|symbolic links)', Reason.IMAGE_PATH_CONFLICT, None),
    (r"OOM-killed|unable to set memory limit", Reason.OUT_OF_MEMORY, None),
    (r"chdir to cwd|container init: mkdir ", Reason.SCRIPT_NOT_STARTED, _WORKING_DIR),
)
_MOUNTED: Final = re.compile(r'to rootfs at "([^"]*)"')


def start_error(words: str) -> tuple[Reason, str, str | None]:
    """By a runtime's words about what it could not start: the reason, what to add, the step (None: the reason's)."""
    for pattern, reason, step in _START_ERRORS:
        if re.search(pattern, words, re.DOTALL):
            path = _MOUNTED.search(words) if reason is Reason.IMAGE_PATH_CONFLICT else None
            hint = "" if path is None else f"at {path.group(1)} the image has something else than a directory"
            return reason, hint, step
    return Reason.COMMAND_NOT_FOUND, "", None
