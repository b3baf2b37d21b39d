"""Images of other people: what they hold below /opt/ml, who their user is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dev.cluster.client import Object
    from tests.e2e.space import Space

IMAGE = "processing-e2e-lived-in:0.1.0"
OUT = "/opt/ml/processing/out"


def log_of(space: Space, name: str) -> str:
    return space.log(space.pod_of(name)["metadata"]["name"], "script")


def test_a_program_below_opt_ml_is_there(space: Space) -> None:
    """As in images for SageMaker: its directory is the working directory, and stays the image's."""
    space.apply("program", "", image=IMAGE, command=["sh", "main.sh"])
    space.ended("program", "Completed")
    assert log_of(space, "program") == "hello from the image\n"


def data_at(space: Space, path: str) -> Object:
    return {"name": "data", "path": path, "s3": {"uri": space.put("in/a", "data\n")}}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/opt/ml/code/data", "cat greeting data/a"),  # below a directory of the image's
        ("/opt/ml/model", "cat main.sh > /dev/null; echo hello from the image; cat /opt/ml/model/a"),  # a link
    ],
    ids=["beside", "link"],
)
def test_data_finds_its_place_beside_what_the_image_holds(space: Space, path: str, command: str) -> None:
    space.apply(
        "beside",
        "",
        image=IMAGE,
        command=["sh", "-c", f"({command}) > {OUT}/log"],
        inputs=[data_at(space, path)],
        outputs=[space.output("out")],
    )
    space.ended("beside", "Completed")
    assert space.read("out/out/log") == b"hello from the image\ndata\n"


@pytest.mark.parametrize("path", ["/opt/ml/weights", "/opt/ml/code/main.sh"])
def test_a_file_of_the_image_in_the_place_of_data_is_named(space: Space, path: str) -> None:
    space.apply("file", "true", image=IMAGE, inputs=[data_at(space, path)])
    status = space.ended("file", "Failed", "ImagePathConflict", seconds=60)
    assert path in status["message"]
    assert "Next: " in status["message"]


WHO = "import getpass, os; print(getpass.getuser(), os.path.expanduser('~processing'))"


def test_a_script_knows_who_it_is(space: Space) -> None:
    space.apply("who", "", image="processing-sklearn:1.9", command=["python3", "-c", WHO])
    space.ended("who", "Completed")
    assert log_of(space, "who") == "processing /tmp\n"


def test_a_user_of_no_image_has_a_name(space: Space) -> None:
    command = ["python3", "-c", "import getpass; print(getpass.getuser())"]
    space.apply("nobody", "", image="processing-sklearn:1.9", command=command, securityContext={"runAsUser": 54321})
    space.ended("nobody", "Completed")
    assert log_of(space, "nobody") == "processing\n"


def test_a_working_directory_in_the_workspace_is_the_users(space: Space) -> None:
    """The container runtime would make it, and it would be root's."""
    space.apply("work", "echo here > file && cat file", workingDir="/opt/ml/processing/work/deep")
    space.ended("work", "Completed")
    assert log_of(space, "work") == "here\n"
