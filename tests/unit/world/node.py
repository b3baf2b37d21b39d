"""A node: runs the containers of Pods, one thing at a time, and tells the API server of it later."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from processing_operator.api.names import ANNOTATION_SIGNAL
from processing_operator.api.protocol import asks_to_stop, tells_end
from tests.unit.world.api import Api, Obj, now, owner_uid, text

if TYPE_CHECKING:
    from collections.abc import Callable

    Choose = Callable[[list[Any]], Any]


@dataclass
class Truth:
    """What really goes on in a Pod's containers; the API server learns of it by reports."""

    fetch: Obj | None = None
    script: Obj | None = None
    upload: Obj | None = None
    reason: str = "Exited"
    code: int = 0
    reported: bool = True
    without_script: bool = False


@dataclass
class Node:
    """Whatever happens in a Pod happens in `step`.

    Attributes:
        starts: the uid of the job, for every start of a script.
        uploads: is told of the job's uid at each upload's end.
        skew: by how many seconds its clock is ahead.
        dead: it does nothing and tells nothing: its Pods are Terminating for ever.
        frozen: its launchers do not act: scripts run until their Pods' grace is over.
    """

    api: Api
    truths: dict[str, Truth] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    skew: float = 0.0
    dead: bool = False
    frozen: bool = False

    def step(self, choose: Choose, pick: Choose | None = None) -> None:
        """Something happens in one of the Pods, which `pick` (else `choose`) picks by name; `choose` says what."""
        pods = [name for name, pod in sorted(self.api.pods.items()) if not pod["spec"].get("schedulingGates")]
        if not pods or self.dead:
            return
        pod = self.api.pods[(pick or choose)(pods)]
        truth = self.truths.setdefault(pod["metadata"]["uid"], Truth())
        if not pod["spec"].get("nodeName"):
            pod["spec"]["nodeName"] = "n1"
            self.api.touch("pod", pod)
        elif pod["status"]["phase"] in ("Succeeded", "Failed"):
            if "deletionTimestamp" in pod["metadata"]:
                self.api.remove_pod(pod)
        elif "deletionTimestamp" in pod["metadata"]:
            self._report(pod, truth, self._terminate(pod, truth, choose))
        elif not truth.reported:
            self._report(pod, truth, "Running")
        else:
            self._go_on(pod, truth, choose)

    def lose_sandbox(self, choose: Choose) -> None:
        """The pause process of a Pod dies: all its containers with it; fetch and upload are started again."""
        running = [pod for pod in self.api.pods.values() if self._script_runs(pod)]
        if not running or self.dead:
            return
        pod = choose(running)
        truth = self.truths[pod["metadata"]["uid"]]
        truth.script, truth.reason = self._end(137), ""
        truth.fetch = self._end(0, _result(), restarts=1)
        truth.upload = self._run(restarts=1)
        self._report(pod, truth, "Running")

    def _script_runs(self, pod: Obj) -> bool:
        truth = self.truths.get(pod["metadata"]["uid"], Truth())
        return truth.script is not None and "running" in truth.script["state"]

    def _go_on(self, pod: Obj, truth: Truth, choose: Choose) -> None:
        phase = "Running"
        if truth.fetch is None or "waiting" in truth.fetch["state"]:
            truth.fetch = self._run(restarts=0 if truth.fetch is None else truth.fetch["restartCount"])
            phase = "Pending"
        elif "running" in truth.fetch["state"]:
            truth.fetch = self._end_fetch(truth.fetch["restartCount"], choose)
            phase = "Failed" if truth.fetch["state"].get("terminated", {}).get("exitCode") == 64 else "Pending"
        elif truth.script is None and choose(["starts", "starts", "starts", "fails"]) == "fails":
            truth.without_script, truth.code, truth.reason = True, 125, ""
            truth.script, truth.upload = self._end(125, "launcher: no lock"), self._run()
        elif truth.script is None:
            self.starts.append(owner_uid(pod))
            truth.script, truth.upload, truth.reported = self._run(), self._run(), False
            return
        elif "running" in truth.script["state"]:
            if not self.frozen:
                self._end_script(truth, pod["metadata"]["annotations"][ANNOTATION_SIGNAL], choose)
        elif truth.without_script:
            phase = self._wait_for_start(truth, pod["metadata"]["annotations"][ANNOTATION_SIGNAL])
        else:
            phase = self._end_upload(truth, choose)
        self._report(pod, truth, phase)

    def _end_fetch(self, restarts: int, choose: Choose) -> Obj:
        code = choose([0, 0, 64, 137, 75])
        said = {64: _result("InputNotFound", "nothing"), 75: _result("SecretNotFound", "no secret")}
        end = self._end(code, said.get(code, _result()), restarts=restarts)
        return end if code in (0, 64) else _crashed(end, restarts + 1)

    def _end_script(self, truth: Truth, signal: str, choose: Choose) -> None:
        stopped = asks_to_stop(signal)
        truth.code = 143 if stopped else choose([0, 0, 3])
        truth.reason = "StopRequested" if stopped else "Exited"
        truth.script, truth.upload = self._end(truth.code), self._run()

    def _wait_for_start(self, truth: Truth, signal: str) -> str:
        """Upload does, until it is told that there is nothing to wait for."""
        if not (asks_to_stop(signal) or tells_end(signal)):
            return "Running"
        truth.upload = self._end(64, _result("ScriptNotStarted", "it has ended"))
        return "Failed"

    def _end_upload(self, truth: Truth, choose: Choose) -> str:
        assert truth.upload is not None
        restarts = truth.upload["restartCount"]
        code = choose([0, 0, 64, 1])
        end = self._end(code, self._record(truth) if code == 0 else _result("UploadDenied"), restarts=restarts)
        if code == 1:
            truth.upload = _crashed(end, restarts + 1)
            return "Running"
        truth.upload = end
        return "Succeeded" if code == 0 and truth.code == 0 and truth.reason else "Failed"

    def _terminate(self, pod: Obj, truth: Truth, choose: Choose) -> str:
        """SIGTERM ends fetch and script; the uploader then takes its time. SIGKILL comes at the end of the grace."""
        if self.frozen and truth.script is not None and "running" in truth.script["state"]:
            if text(now()) < pod["metadata"]["deletionTimestamp"]:
                return "Running"
            truth.script = truth.upload = self._end(137)
            return "Failed"
        if truth.fetch is not None and "terminated" not in truth.fetch["state"]:
            truth.fetch = self._end(143)
        if truth.script is not None and "terminated" not in truth.script["state"]:
            truth.script, truth.code, truth.reason = self._end(143), 143, "Terminated"
            return "Running"
        if truth.upload is not None and "terminated" not in truth.upload["state"]:
            code = 64 if truth.script is None else choose([0, 137])
            if truth.script is not None and choose([False, True, True]):
                return "Running"
            truth.upload = self._end(code, self._record(truth) if code == 0 else "")
        return "Failed"

    def _record(self, truth: Truth) -> str:
        record = {"code": truth.code, "signal": 0, "reason": truth.reason, "ms": 1000}
        return _result(exit=record) if truth.reason else _result()

    def _report(self, pod: Obj, truth: Truth, phase: str) -> None:
        truth.reported = True
        main = [("upload", truth.upload), ("script", truth.script)]
        pod["status"] = {
            "phase": phase,
            "initContainerStatuses": [] if truth.fetch is None else [{"name": "fetch", **truth.fetch}],
            "containerStatuses": [{"name": name, **entry} for name, entry in main if entry is not None],
        }
        self.api.touch("pod", pod)

    def _run(self, restarts: int = 0) -> Obj:
        return {"state": {"running": {"startedAt": text(now(self.skew))}}, "restartCount": restarts}

    def _end(self, code: int, message: str = "", restarts: int = 0) -> Obj:
        time = text(now(self.skew))
        end = {"exitCode": code, "reason": "x", "message": message, "startedAt": time, "finishedAt": time}
        return {"state": {"terminated": end}, "restartCount": restarts}


def _crashed(end: Obj, restarts: int) -> Obj:
    return {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": end["state"],
        "restartCount": restarts,
    }


def _result(reason: str = "", message: str = "", **more: Any) -> str:
    return json.dumps({"v": 1, "reason": reason, "message": message, "items": [], "errors": [], **more})
