"""A small synchronous client: raw JSON over the kubeconfig's own connection, and waiting by watch."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from dev.cluster import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]

PODS = "/api/v1/namespaces/{namespace}/pods"
JOBS = "/apis/processing-operator.dev/v1alpha1/namespaces/{namespace}/processingjobs"
EVENTS = "/apis/events.k8s.io/v1/namespaces/{namespace}/events"


class ApiError(Exception):
    """The API server's refusal: HTTP code and its own words."""

    def __init__(self, status: int, body: Object) -> None:
        super().__init__(f"{status}: {body.get('message', body)}")
        self.status = status
        self.body = body


class WaitTimeoutError(AssertionError):
    """What was waited for did not come; the last seen state is in the text."""


def kubeconfig() -> str:
    """The kubeconfig that `make cluster` writes, whatever KUBECONFIG says: no cluster is touched by accident."""
    path = places.kubeconfig()
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: `make cluster` starts a cluster (CLUSTER=current takes yours)")
    return str(path)


@dataclass
class Cluster:
    """The API server as the cluster's admin."""

    url: str
    session: requests.Session

    @classmethod
    def connect(cls) -> Cluster:
        from kubernetes import client, config  # noqa: PLC0415 - a second of what needs no cluster

        settings = client.Configuration()
        config.load_kube_config(kubeconfig(), client_configuration=settings)
        session = requests.Session()
        session.trust_env = False
        session.verify = settings.ssl_ca_cert
        session.cert = (settings.cert_file, settings.key_file)
        return cls(settings.host, session)

    def call(self, method: str, path: str, body: Object | None = None, **parameters: str) -> Object:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self.session.request(
            method,
            self.url + path,
            params=parameters,
            data=json.dumps(body) if body is not None else None,
            headers={"Content-Type": kind},
            timeout=30,
        )
        found: Object = answer.json()
        if not answer.ok:
            raise ApiError(answer.status_code, found)
        return found

    def get(self, path: str) -> Object:
        return self.call("GET", path)

    def find(self, path: str) -> Object | None:
        """The object, or None if it does not exist."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == requests.codes.not_found:
                return None
            raise

    def items(self, path: str, **parameters: str) -> list[Object]:
        found: list[Object] = self.call("GET", path, None, **parameters)["items"]
        return found

    def create(self, path: str, body: Object, **parameters: str) -> Object:
        return self.call("POST", path, body, **parameters)

    def patch(self, path: str, body: Object) -> Object:
        return self.call("PATCH", path, body)

    def delete(self, path: str, **options: Any) -> None:
        self.call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None)

    def text(self, path: str, **parameters: str) -> str:
        answer = self.session.get(self.url + path, params=parameters, timeout=30)
        if not answer.ok:
            raise ApiError(answer.status_code, answer.json())
        return answer.text

    def watch(self, path: str, name: str, seconds: float) -> Iterator[Object | None]:
        """The object as it is now and after each change; None when it does not exist.

        A broken watch (410, a restarted API server) begins anew: what is yielded is always a state that was.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            listed = self.call("GET", path, fieldSelector=f"metadata.name={name}")
            yield listed["items"][0] if listed["items"] else None
            parameters = {
                "watch": "1",
                "fieldSelector": f"metadata.name={name}",
                "resourceVersion": listed["metadata"]["resourceVersion"],
                "timeoutSeconds": str(max(1, int(left))),
            }
            try:
                with self.session.get(
                    self.url + path, params=parameters, stream=True, timeout=(10, max(1.0, left))
                ) as answer:
                    for line in answer.iter_lines():
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield None if event["type"] == "DELETED" else event["object"]
            except requests.exceptions.RequestException:
                continue

    def wait(
        self, path: str, name: str, predicate: Callable[[Object], bool], seconds: float = 90, what: str = ""
    ) -> Object:
        """Wait until the object exists and the predicate holds.

        Raises:
            WaitTimeoutError: it did not within `seconds`; names the last state.
        """
        last: Object | None = None
        for found in self.watch(path, name, seconds):
            last = found
            if found is not None and predicate(found):
                return found
        status = json.dumps((last or {}).get("status"), indent=1)
        raise WaitTimeoutError(f"{name}: no {what or 'match'} within {seconds} s; last status: {status}")

    def wait_gone(self, path: str, name: str, seconds: float = 60) -> None:
        """Wait until the object does not exist."""
        for found in self.watch(path, name, seconds):
            if found is None:
                return
        raise WaitTimeoutError(f"{name} still exists after {seconds} s")
