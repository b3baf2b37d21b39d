"""examples/argocd/health.lua, run as Argo CD runs it (Lua 5.1), over statuses that the operator writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from processing_operator.domain.decide import decide
from tests.schema.statuses import fullest
from tests.unit.domain import builders
from tests.unit.domain.builders import Obj, at, begun, facts, job, written

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "argocd"
SCRIPT = (FOLDER / "health.lua").read_text()
KEY = "resource.customizations.health.processing-operator.dev_ProcessingJob"


def health(status: Obj | None, **meta: Any) -> tuple[str, str]:
    lua = LuaRuntime()
    obj = {"metadata": {"generation": 1, **meta}} | ({} if status is None else {"status": status})
    lua.globals().obj = lua.table_from(json.loads(json.dumps(obj)), recursive=True)
    found = lua.execute(SCRIPT)
    return found.status, found.message


def told(*pods: Obj, status: Obj | None = None, now: float = 30, **spec: Any) -> Obj:
    """The status that the operator writes when it sees these Pods."""
    census = job(status=status, **spec)
    return written(decide(census, facts(census, *pods), at(now))).dump()


FROM = [{"name": "a", "path": "/opt/ml/processing/a", "from": {"job": "other", "output": "o"}}]
ROWS: dict[str, tuple[Obj | None, str, str]] = {
    "no status": (None, "Progressing", "waits for the operator"),
    "nothing yet": ({"observedGeneration": -1, "attempts": 0}, "Progressing", "waits for the operator"),
    "waiting": (told(inputs=FROM), "Progressing", "Waiting: waiting for job other"),
    "pending": (told(builders.created(), status=begun()), "Progressing", "Pending: "),
    "downloading": (told(builders.downloading(), status=begun()), "Progressing", "Downloading: downloading"),
    "running": (told(builders.running(), status=begun()), "Progressing", "Running: script is running"),
    "uploading": (told(builders.uploading(), status=begun()), "Progressing", "Uploading: uploading"),
    "completed": (told(builders.completed(), status=begun()), "Healthy", ""),
    "failed": (told(builders.failed(3), status=begun()), "Degraded", "ScriptFailed: "),
    "stopped": (told(stop=True), "Suspended", ""),
    "fullest": (fullest().dump(), "Healthy", ""),
    "words of a newer operator": ({"observedGeneration": 1, "state": "Holding"}, "Progressing", "Holding: "),
    "not readable": (
        {"observedGeneration": 1, "conditions": [builders.condition("Stalled", reason="InvalidPod", message="no")]},
        "Degraded",
        "InvalidPod: no",
    ),
}


@pytest.mark.parametrize(("status", "word", "message"), ROWS.values(), ids=ROWS)
def test_health(status: Obj | None, word: str, message: str) -> None:
    found = health(status)
    assert found[0] == word
    assert found[1].startswith(message)


def test_an_end_that_is_decided_is_no_progress() -> None:
    target = builders.condition("FailureTarget", reason="PendingTimeout", message="no node")
    assert health(begun(state="Failing", conditions=[target])) == ("Degraded", "PendingTimeout: no node")


def test_a_changed_job_is_not_healthy_by_what_was_seen_before() -> None:
    assert health(told(builders.running(), status=begun()), generation=2) == ("Progressing", "waits for the operator")
    ended = told(builders.completed(), status=begun())
    assert health(ended, generation=2)[0] == "Healthy", "an end is final: the operator looks at it no more"


def test_deleted() -> None:
    ended = told(builders.completed(), status=begun())
    assert health(ended, deletionTimestamp="2026-01-01T00:00:00Z") == ("Progressing", "is being deleted")


def test_the_configuration_has_the_script() -> None:
    assert yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text()) == {"data": {KEY: SCRIPT}}
