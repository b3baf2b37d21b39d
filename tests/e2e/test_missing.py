"""Things that are not there: the reason, what is missing by name, and going on when it comes in time."""

from __future__ import annotations

from tests.e2e.space import KUBELET_SAYS, Space

ABSENT_IMAGE = "localhost/no-such-image:1"


def test_missing_bucket(space: Space) -> None:
    space.apply("bucket", "true", inputs=[space.input("data", "input", "s3://no-such-bucket/x")])
    status = space.ended("bucket", "Failed", "InputNotFound")
    assert "no-such-bucket" in status["message"]
    assert "fetch" in status["message"]


def test_missing_prefix(space: Space) -> None:
    space.apply("prefix", "true", inputs=[space.input("data", "input", space.uri("nothing/here"))])
    status = space.ended("prefix", "Failed", "InputNotFound")
    assert f"{space.namespace}/nothing/here" in status["message"]


def test_missing_output_bucket_keeps_the_exit_code(space: Space) -> None:
    output = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://no-such-bucket/x"}}
    space.apply("no-bucket", "echo 1 > /opt/ml/processing/out/a", outputs=[output])
    status = space.wait("no-bucket", "Failed")["status"]
    assert status["reason"] in {"UploadDenied", "UploadFailed"}
    assert "no-such-bucket" in status["message"]
    assert status["exitCode"] == 0


def test_wrong_credentials_are_denied(space: Space) -> None:
    space.secret("wrong", {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "wrong-and-not-to-be-seen"})
    s3 = {"endpoint": space.endpoint, "region": "us-east-1", "addressing": "Path", "secretName": "wrong"}
    space.apply("denied", "true", s3=s3, inputs=[space.input("data", "input", space.uri("x"))])
    status = space.ended("denied", "Failed", "InputAccessDenied")
    assert "403" in status["message"]
    assert "wrong-and-not" not in str(status)


def test_missing_secret_fails_after_the_pending_timeout(space: Space) -> None:
    s3 = {"endpoint": space.endpoint, "region": "us-east-1", "addressing": "Path", "secretName": "absent"}
    data = [space.input("data", "input", space.uri("x"))]
    space.apply("secret", "true", s3=s3, inputs=data, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.ended("secret", "Failed", "SecretNotFound")
    assert "'absent'" in status["message"]


def test_secret_that_comes_late_is_used(space: Space) -> None:
    s3 = {"endpoint": space.endpoint, "region": "us-east-1", "addressing": "Path", "secretName": "late"}
    space.apply("late", "true", s3=s3, inputs=[space.input("data", "input", space.put("in/a", "1"))])
    space.wait_for("late", lambda job: "late" in job.get("status", {}).get("message", ""), "message naming the Secret")
    assert space.job("late")["status"]["state"] == "Pending"
    from dev.install import CREDENTIALS  # noqa: PLC0415

    space.secret("late", CREDENTIALS)
    space.ended("late", "Completed", seconds=180)


def test_missing_config_map(space: Space) -> None:
    inputs = [{"name": "code", "path": "/opt/ml/processing/code", "configMap": {"name": "absent"}}]
    space.apply("config-map", "true", inputs=inputs, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.ended("config-map", "Failed", "ConfigMapNotFound")
    assert "'absent'" in status["message"]


def test_missing_secret_of_an_environment_variable(space: Space) -> None:
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "k"}}}]
    space.apply("env", "true", env=env, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.ended("env", "Failed", "SecretNotFound")
    assert "absent" in status["message"]


def test_missing_image_says_what_the_kubelet_said(space: Space) -> None:
    space.apply("image", "true", image=ABSENT_IMAGE, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.wait("image", "Failed")["status"]
    assert status["reason"] in {"ImagePullFailed", "PendingTimeout"}
    assert ABSENT_IMAGE in status["message"]
    assert "script" in status["message"]


def test_invalid_image_name_fails_at_once(space: Space) -> None:
    space.apply("image-name", "true", image="Not/A:Valid:Name")
    status = space.ended("image-name", "Failed", "ImagePullFailed")
    assert "Not/A:Valid:Name" in status["message"]


def test_unschedulable_pod_says_why(space: Space) -> None:
    space.apply("huge", "true", resources={"requests": {"cpu": "900"}}, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.ended("huge", "Failed", "PendingTimeout")
    assert "Insufficient cpu" in status["message"]


def test_service_account_that_comes_late_is_used(space: Space) -> None:
    s3 = {"endpoint": space.endpoint}
    space.apply("account", "true", s3=s3, serviceAccountName="late")
    status = space.wait("account", "Waiting")["status"]
    assert "spec.serviceAccountName: there is no ServiceAccount late" in status["message"]
    assert space.pods_of("account") == []
    space.cluster.create(f"/api/v1/namespaces/{space.namespace}/serviceaccounts", {"metadata": {"name": "late"}})
    space.ended("account", "Completed")


def test_missing_service_account_fails_after_the_pending_timeout(space: Space) -> None:
    s3 = {"endpoint": space.endpoint}
    space.apply("account", "true", s3=s3, serviceAccountName="absent", timeouts={"pendingSeconds": 3})
    status = space.ended("account", "Failed", "ServiceAccountNotFound")
    assert "there is no ServiceAccount absent" in status["message"]
    assert "create the ServiceAccount" in status["message"]


def test_from_a_job_that_does_not_exist(space: Space) -> None:
    inputs = [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "never", "output": "out"}}]
    space.apply("waits", "true", inputs=inputs, timeouts={"pendingSeconds": 3})
    waiting = space.wait("waits", "Waiting")["status"]
    assert "never" in waiting["message"]
    status = space.ended("waits", "Failed", "PendingTimeout")
    assert "never" in status["message"]
    assert space.pods_of("waits") == []


def test_from_a_job_that_fails(space: Space) -> None:
    inputs = [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}]
    space.apply("second", "true", inputs=inputs)
    space.wait("second", "Waiting")
    space.apply("first", "exit 1", outputs=[space.output("out")])
    status = space.ended("second", "Failed", "InputJobFailed")
    assert "first" in status["message"]


def test_from_an_output_that_the_job_does_not_have(space: Space) -> None:
    space.apply("first", "true", outputs=[space.output("out")])
    inputs = [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "other"}}]
    space.apply("second", "true", inputs=inputs)
    status = space.wait("second", "Failed")["status"]
    assert "other" in status["message"]


def test_from_runs_in_order(space: Space) -> None:
    script = "mv /opt/ml/processing/data/a /opt/ml/processing/out/b"
    inputs = [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}]
    space.apply("second", script, inputs=inputs, outputs=[{**space.output("out"), "s3": {"uri": space.uri("second")}}])
    space.wait("second", "Waiting")
    space.apply("first", "echo 1 > /opt/ml/processing/out/a", outputs=[space.output("out")])
    space.ended("second", "Completed")
    assert space.read("second/b") == b"1\n"


def test_foreign_pod_with_the_jobs_pod_name(space: Space) -> None:
    """The name holds the job's uid, so it is known only once the job is there: it waits for another one meanwhile."""
    inputs = [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}]
    job = space.apply("second", "true", inputs=inputs)
    name = f"second-{job['metadata']['uid'][:8]}-1-0"
    container = {
        "name": "c",
        "image": "processing-agent:0.1.0",
        "command": ["sleep", "600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    body = {"metadata": {"name": name}, "spec": {"containers": [container], "securityContext": security}}
    foreign = space.cluster.create(space.pods, body)
    space.apply("first", "true", outputs=[space.output("out")])
    status = space.ended("second", "Failed", "NameConflict")
    assert name in status["message"]
    still = space.cluster.get(f"{space.pods}/{name}")
    assert still["metadata"]["uid"] == foreign["metadata"]["uid"]
    assert "deletionTimestamp" not in still["metadata"]
