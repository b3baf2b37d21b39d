"""How far a download or an upload is: typed in the status, and told in the message."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.status import TransferProgress
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    created,
    downloading,
    facts,
    job,
    pod,
    running,
    runs,
    stop_latched,
    uploading,
    written,
)


def told(phase: str = "Downloading", objects: int = 12, **more: Any) -> TransferProgress:
    return TransferProgress.model_validate({"phase": phase, "objects": objects, "bytes": 123, **more})


OF: Obj = {"totalObjects": 20, "totalBytes": 456}
STOPPED = stop_latched(state="Stopping")
SIGNALLED = pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal='{"stop":"now"}')
STOPS = "uploading (attempt 1); 3 objects, 123 bytes: a stop was requested"

# what is seen; what is told of, and what the status has from before; the message, and how many objects the status tells
ROWS: list[tuple[str, Obj, TransferProgress | None, Obj, str, int | None]] = [
    ("nothing yet", downloading(), None, {}, "downloading (attempt 1)", None),
    ("download", downloading(), told(**OF), {}, "downloading (attempt 1); 12 of 20 objects, 123 of 456 bytes", 12),
    ("totals unknown", downloading(), told(), {}, "downloading (attempt 1); 12 objects, 123 bytes", 12),
    ("trouble", downloading(), told(retries=3, lastError="503 SlowDown"), {}, "downloading (attempt 1); 12 objects, 123 bytes; 3 retries, last error: 503 SlowDown", 12),
    ("upload", uploading(), told("Uploading", 3), {}, "uploading (attempt 1); 3 objects, 123 bytes", 3),
    ("upload after a stop", uploading(), told("Uploading", 3), STOPPED, STOPS, 3),
    ("the download's, while it uploads", uploading(), told(), {}, "uploading (attempt 1)", None),
    ("the download's, while the script runs", running(), told(), {}, "script is running (attempt 1)", None),
    ("the upload waits", running(), told("Waiting", 0), {}, "script is running (attempt 1)", None),
    ("the download's, after a stop", SIGNALLED, told(), STOPPED, "script is running (attempt 1): a stop was requested", None),
    ("another attempt's Pod", created(), told(), {}, "Pod census-1a2b3c4d-1-0 is being started (attempt 1)", None),
    ("from before", downloading(), None, {"progress": told().dump()}, "downloading (attempt 1); 12 objects, 123 bytes", 12),
    ("the download's, from before", uploading(), None, {"progress": told().dump()}, "uploading (attempt 1)", None),
    ("the end", completed(), told("Uploading", 3), {}, "the script ended with exit code 0 (attempt 1)", None),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_progress_is_of_what_the_pod_does_now(
    row: tuple[str, Obj, TransferProgress | None, Obj, str, int | None],
) -> None:
    _, seen, progress, before, message, objects = row
    census = job(status=begun() | before)
    status = written(decide(census, facts(census, seen, progress=progress), at(30)))
    assert status.message == message
    assert (status.progress and status.progress.objects) == objects


def test_the_same_read_again_is_no_news() -> None:
    """It is read every 30 s, whether anything moves or not."""
    census = job(status=begun())
    first = written(decide(census, facts(census, downloading(), progress=told(time=at(30))), at(30)))
    again = job(status=first.dump())
    assert decide(again, facts(again, downloading(), progress=told(time=at(60))), at(60)).status is None
    more = decide(again, facts(again, downloading(), progress=told(objects=13, time=at(60))), at(60)).status
    assert more is not None
    assert more.progress is not None
    assert (more.progress.objects, more.progress.time) == (13, at(60))
