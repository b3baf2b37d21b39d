"""`pj cp`: the agent's engine from a shell."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from processing_agent.light import asdict, record
from processing_operator_cli import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processing_agent.copy import Summary
    from processing_agent.progress import Counts

_COPIED, _FAILED, _WRONG_CALL, _INTERRUPTED = 0, 1, 2, 130


@record(frozen=True)
class Place:
    """Where the store is; None: by the AWS variables and files."""

    endpoint: str | None
    region: str | None
    addressing: str


class CopyArgumentError(Exception):
    """Source and target do not go together."""


def copy(source: str, target: str, place: Place, *, as_json: bool) -> int:
    """Copy, show progress on a terminal, print a summary; the exit code."""
    try:
        download = is_download(source, target)
    except CopyArgumentError as error:
        sys.stderr.write(f"pj cp: {error}\n")
        return _WRONG_CALL
    from processing_agent.copy import CopyFailed, Summary  # noqa: PLC0415  (boto3 takes its time)

    try:
        with _progress("Downloading" if download else "Uploading") as show, _no_log_lines():
            summary = _transfer(source, target, place, show, download=download)
    except KeyboardInterrupt:
        sys.stderr.write("pj cp: interrupted\n")
        return _INTERRUPTED
    except CopyFailed as error:
        _report(error.summary, source, target, as_json=as_json, error=str(error))
        return _FAILED
    except Exception as error:  # noqa: BLE001  (every refusal of the engine is a text for the user)
        _report(Summary(), source, target, as_json=as_json, error=_explain(error))
        return _FAILED
    _report(summary, source, target, as_json=as_json)
    return _COPIED


def is_download(source: str, target: str) -> bool:
    """Which of the two is in S3.

    Raises:
        CopyArgumentError: both or neither.
    """
    remote = [text.startswith("s3://") for text in (source, target)]
    if all(remote):
        raise CopyArgumentError("source and target are both in S3: one of them must be a local path")
    if not any(remote):
        raise CopyArgumentError(f"neither {source!r} nor {target!r} begins with s3://")
    return remote[0]


def _transfer(
    source: str, target: str, place: Place, show: Callable[[Counts], None] | None, *, download: bool
) -> Summary:
    from processing_agent import copy as engine  # noqa: PLC0415

    where: dict[str, Any] = {**asdict(place), "progress": show}
    return engine.download(source, target, **where) if download else engine.upload(source, target, **where)


@contextlib.contextmanager
def _no_log_lines() -> Iterator[None]:
    """In a Pod the engine logs to standard output, which is the summary's here. What it warns of is in the summary."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        yield


@contextlib.contextmanager
def _progress(doing: str) -> Iterator[Callable[[Counts], None] | None]:
    """A bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from processing_operator_cli.bars import Bars  # noqa: PLC0415

    with Bars() as bars:
        bars.show("", doing)
        yield lambda counts: bars.update(
            "",
            doing,
            objects=counts.objects,
            size=counts.bytes,
            total_objects=counts.total_objects,
            total_size=counts.total_bytes,
        )


def _explain(error: Exception) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)) and error.filename:
        return f"{error.filename}: {error.strerror}"
    # an error without a text, or one that says nothing without its name
    return str(error) if str(error) and not isinstance(error, (KeyError, TypeError)) else repr(error)


def _report(summary: Summary, source: str, target: str, *, as_json: bool, error: str = "") -> None:
    if as_json:
        facts = {"source": source, "target": target, **asdict(summary), "error": error}
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not error or summary.objects:
        sys.stdout.write(f"{describe(summary)}\n")
    for text in summary.warnings:
        sys.stderr.write(f"pj cp: warning: {text}\n")
    for what, count in summary.skipped.items():
        sys.stderr.write(f"pj cp: warning: skipped {count} of kind {what}\n")
    if error:
        sys.stderr.write(f"pj cp: {error}\n")


def describe(summary: Summary) -> str:
    """`2 objects, 104 MB in 0.62 s (167 MB/s), verified: CRC64NVME 2`."""
    rate = f" ({figures.size(summary.bytes / summary.seconds)}/s)" if summary.seconds and summary.bytes else ""
    done = f"{figures.objects(summary.objects)}, {figures.size(summary.bytes)} in {figures.seconds(summary.seconds)}"
    verified = ", ".join(f"{how} {count}" for how, count in sorted(summary.verified.items()))
    retries = f", {summary.retries} retries" if summary.retries else ""
    return done + rate + retries + (f", verified: {verified}" if verified else "")
