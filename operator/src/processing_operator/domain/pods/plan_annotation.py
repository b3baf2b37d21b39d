"""The plan: what fetch and upload are told, as an annotation of the Pod (docs/internals/protocol.md, "The plan")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from processing_operator.domain import names
from processing_operator.domain.pods.config_files import config_files
from processing_operator.domain.pods.env import region_of
from processing_operator.domain.pods.sources import input_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import Input, Output, ProcessingJob

PLAN_LIMIT: Final = 128 * 1024
"""Bytes. The API server allows 256 KiB for all annotations of an object together."""


class PlanTooLargeError(ValueError):
    """The plan does not fit into its annotation; the message names the fields and the numbers."""


def plan_annotation(
    job: ProcessingJob, attempt: int, index: int, awaited: Mapping[str, ProcessingJob | None], *, final: bool = True
) -> str:
    """The plan as canonical JSON: no spaces, keys sorted, but for the config files, whose keys have SageMaker's order.

    An environment that is too large for it is left out of processingjobconfig.json; the script has it as its
    environment all the same.

    Raises:
        PlanTooLargeError: it is larger than 128 KiB.
    """
    text = ""
    for with_environment in (True, False):
        plan = _plan(job, attempt, index, awaited, final=final)
        config = config_files(job, index, awaited, with_environment=with_environment)
        text = _dump({"config": config, **_sort(plan)})
        if len(text.encode()) <= PLAN_LIMIT:
            return text
    raise PlanTooLargeError(
        "spec.inputs, spec.outputs, spec.command and spec.args: "
        f"together they must fit into {PLAN_LIMIT} bytes of JSON, and are {len(text.encode())}"
    )


def _plan(
    job: ProcessingJob, attempt: int, index: int, awaited: Mapping[str, ProcessingJob | None], *, final: bool
) -> dict[str, Any]:
    spec, meta = job.spec, job.metadata
    return {
        "version": 1,
        "job": {
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "attempt": attempt,
            "index": index,
        },
        "final": final,
        "s3": _store(job),
        "inputs": [_input(at, source, awaited) for at, source in enumerate(spec.inputs)],
        "outputs": [_output(output) for output in spec.outputs],
        "pendingTimeoutSeconds": spec.pending_timeout_seconds,
        "downloadTimeoutSeconds": spec.download_timeout_seconds,
        "uploadTimeoutSeconds": spec.upload.timeout_seconds,
    }


def _store(job: ProcessingJob) -> dict[str, Any]:
    s3 = job.spec.s3
    bundle = None if s3.ca_bundle is None else s3.ca_bundle.config_map_key_ref
    return {
        "endpoint": s3.endpoint,
        "region": region_of(job),
        "addressing": s3.addressing.value,
        "secretName": s3.secret_name,
        "caBundle": None if bundle is None else {"configMap": bundle.name, "key": bundle.key},
    }


def _input(position: int, source: Input, awaited: Mapping[str, ProcessingJob | None]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": source.name, "path": source.path}
    if source.config_map is not None:
        return {**entry, "configMap": {"name": source.config_map.name, "dir": names.config_map_dir(position)}}
    if source.inline is not None:
        return {**entry, "inline": dict(source.inline)}
    return {**entry, "s3": {"uri": input_uri(source, awaited)}}


def _output(output: Output) -> dict[str, Any]:
    archive = output.s3.archive
    return {
        "name": output.name,
        "path": output.path,
        "uri": output.s3.uri,
        "uploadOn": output.s3.upload_on.value,
        "archive": None if archive is None else {"format": archive.format, "name": archive.name},
        "required": output.required,
    }


def _sort(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sort(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sort(entry) for entry in value]
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
