"""What has landed and what was uploaded, by input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.status import InputStatus, OutputStatus, UploadState

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.observe import PodFacts
    from processing_operator.domain.results import Item, StageResult

_UPLOAD_STATES: Final = {
    "C": UploadState.COMPLETE,
    "E": UploadState.COMPLETE,
    "F": UploadState.FAILED,
    "S": UploadState.SKIPPED,
    "W": UploadState.NOT_REACHED,
}


def read_inputs(job: ProcessingJob, pod: PodFacts, previous: tuple[InputStatus, ...]) -> tuple[InputStatus, ...]:
    """From fetch's result. After the script has started fetch does nothing more, and its result says nothing."""
    items = _items(pod.fetch.result, len(job.spec.inputs))
    if not items or pod.sandbox_lost:
        return previous
    return tuple(_input(source.name, item) for source, item in zip(job.spec.inputs, items, strict=True))


def read_outputs(job: ProcessingJob, pod: PodFacts, previous: tuple[OutputStatus, ...]) -> tuple[OutputStatus, ...]:
    """From upload's result."""
    items = _items(pod.upload.result, len(job.spec.outputs))
    if not items:
        return previous
    return tuple(_output(output.name, item) for output, item in zip(job.spec.outputs, items, strict=True))


def _items(result: StageResult | None, expected: int) -> tuple[Item, ...]:
    """The items, if they are as many as they should be: they are told apart by their position alone."""
    return () if result is None or len(result.items) != expected else result.items


def _input(name: str, item: Item) -> InputStatus:
    return InputStatus(name=name, objects=item.objects, bytes=item.bytes, seconds=item.milliseconds / 1000)


def _output(name: str, item: Item) -> OutputStatus:
    return OutputStatus(
        name=name,
        objects=item.objects,
        bytes=item.bytes,
        seconds=item.milliseconds / 1000,
        upload=_UPLOAD_STATES.get(item.state),
    )
