"""Where each input comes from, once the jobs named by `from` are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import Input, Output, ProcessingJob


def input_uri(source: Input, awaited: Mapping[str, ProcessingJob | None]) -> str | None:
    """The input's S3 address; None for one that is not of S3."""
    if source.s3 is not None:
        return source.s3.uri
    if source.from_ is None:
        return None
    job = awaited[source.from_.job]
    output = None if job is None else find_output(job, source.from_.output)
    return None if output is None else output_uri(output)


def find_output(job: ProcessingJob, name: str) -> Output | None:
    """The job's output of that name."""
    return next((output for output in job.spec.outputs if output.name == name), None)


def output_uri(output: Output) -> str:
    """What an output is read by: its archive's one object, or everything below its prefix.

    The slash at the end keeps out siblings by name: `train/` and not `train-2/`.
    """
    prefix = output.s3.uri.rstrip("/") + "/"
    return prefix if output.s3.archive is None else prefix + output.s3.archive.name
