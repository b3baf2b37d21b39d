"""What is staged in and out: names, links, emptiness, many objects, archives."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.space import Space
from tests.support.s3_proxy import S3Proxy

OUT = "/opt/ml/processing/out"


def test_two_thousand_small_objects_both_ways(space: Space) -> None:
    bodies = {f"in/{i % 20:02d}/{i:04d}": f"object {i}".encode() for i in range(2000)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: space.put(*item), bodies.items()))
    space.apply(
        "many",
        f"cp -r /opt/ml/processing/in/. {OUT}/",
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    status = space.ended("many", "Completed", seconds=240)
    total = sum(map(len, bodies.values()))
    assert (status["inputs"][0]["objects"], status["inputs"][0]["bytes"]) == (2000, total)
    assert (status["outputs"][0]["objects"], status["outputs"][0]["bytes"]) == (2000, total)
    keys = space.keys("out/out/")
    assert {key.removeprefix("out/out/") for key in keys} == {key.removeprefix("in/") for key in bodies}
    with ThreadPoolExecutor(16) as pool:
        for key, body in zip(keys, pool.map(space.read, keys), strict=True):
            assert body == bodies["in/" + key.removeprefix("out/out/")]


def test_planted_links_and_pipes_are_never_followed(space: Space) -> None:
    script = (
        f"cd {OUT} && echo real > real && ln -s /etc/passwd link && ln -s /run/processing/control control"
        " && ln -s / root && mkfifo pipe && mkdir d && ln -s ../real d/inner"
    )
    space.apply("links", script, outputs=[space.output("out")])
    space.ended("links", "Completed")
    assert space.keys("out/") == ["out/out/real"]
    pod = space.pod_of("links")["metadata"]["name"]
    assert "link" in space.log(pod, "upload")


def test_empty_output_completes_and_uploads_nothing(space: Space) -> None:
    space.apply("empty", "mkdir /opt/ml/processing/out/deep", outputs=[space.output("out")])
    status = space.ended("empty", "Completed")
    assert (status["outputs"][0]["objects"], status["outputs"][0]["bytes"]) == (0, 0)
    assert space.keys("out/") == []


def test_required_output_that_is_empty_fails_by_name(space: Space) -> None:
    space.apply("required", "true", outputs=[{**space.output("out"), "required": True}])
    status = space.ended("required", "Failed", "OutputMissing")
    assert "out" in status["message"]
    assert OUT in status["message"]


def test_archive_is_one_object_and_the_same_bytes_each_time(space: Space) -> None:
    script = f"mkdir {OUT}/d && echo b > {OUT}/d/b && echo a > {OUT}/a"
    archive = {"format": "TarGz", "name": "model.tar.gz"}
    for name in ("first", "second"):
        output = {"name": "out", "path": OUT, "s3": {"uri": space.uri(name)}, "archive": archive}
        space.apply(name, script, outputs=[output])
    for name in ("first", "second"):
        space.ended(name, "Completed")
        assert space.keys(f"{name}/") == [f"{name}/model.tar.gz"]
    body = space.read("first/model.tar.gz")
    assert body == space.read("second/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert [(m.name, m.isfile()) for m in tar if m.isfile()] == [("a", True), ("d/b", True)]


def test_two_inputs_on_one_path_are_refused_by_both_names(space: Space) -> None:
    space.put("in/code/a.py", "from the data")
    space.apply(
        "collide",
        "true",
        inputs=[
            space.input("data", "input", space.uri("in")),
            {"name": "code", "path": "/opt/ml/processing/input/code", "inline": {"a.py": "from the code"}},
        ],
    )
    status = space.ended("collide", "Failed", "KeyCollision")
    assert "in/code/a.py" in status["message"]
    assert "code" in status["message"]


def test_object_that_is_a_file_and_a_directory(space: Space) -> None:
    space.put("in/a", "file")
    space.put("in/a/b", "below it")
    space.apply("both", "true", inputs=[space.input("data", "input", space.uri("in/"))])
    status = space.ended("both", "Failed", "KeyCollision")
    assert "in/a" in status["message"]
    assert "in/a/b" in status["message"]


def test_key_with_dots_is_refused_and_lands_nowhere(space: Space, proxy: Callable[[], S3Proxy]) -> None:
    """The server refuses to store such a key, so the proxy injects it into the server's list."""
    s3 = proxy()
    s3.rewrite = (b"QQ", b"..")
    space.put("in/good", "1")
    space.put("in/QQ/QQ/escaped", "2")
    space.apply("dots", "true", endpoint=s3.endpoint, inputs=[space.input("data", "input", space.uri("in"))])
    status = space.ended("dots", "Failed", "UnsafeKey")
    assert "in/../../escaped" in status["message"]
    assert not [r for r in s3.requests if r.method == "GET" and "list-type" not in r.target], "something was fetched"
