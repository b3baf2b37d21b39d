"""The images: names, Dockerfiles and what goes into their contexts."""

from dataclasses import dataclass
from pathlib import Path

from containers.build.parts import Distribution, Folder, GoProgram, Part, Wheels

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        key: what the command line and the archive's file call it.
        name: name and tag, as manifests write it.
        dockerfile: from the repository's root.
        parts: what the context is made of.
        base: the key of the image of ours that it is built from.
        limit: of the compressed layers, in bytes; none if 0.
        tests: it is for the end-to-end tests alone.
    """

    key: str
    name: str
    dockerfile: str
    parts: tuple[Part, ...]
    base: str = ""
    limit: int = 0
    tests: bool = False


def _requirements(name: str) -> Wheels:
    return Wheels(ROOT / "requirements" / f"{name}.txt")


IMAGES = {
    image.key: image
    for image in (
        Image(
            "agent",
            "processing-agent:0.1.0",
            "containers/agent/Dockerfile",
            (
                _requirements("agent"),
                Distribution(ROOT / "containers/agent"),
                GoProgram("launcher", ROOT / "containers/launcher", version="0.1.0", entry="launcher_entry"),
                Folder(ROOT / "containers/agent/entry", "entry"),
            ),
            limit=90 * MEGABYTE,
        ),
        Image(
            "operator",
            "processing-operator:0.1.0",
            "operator/Dockerfile",
            (_requirements("operator"), Distribution(ROOT / "operator")),
            limit=110 * MEGABYTE,
        ),
        Image(
            "sklearn",
            "processing-sklearn:1.9",
            "containers/sklearn/Dockerfile",
            (_requirements("sklearn"),),
        ),
        Image(
            "dev-s3",
            "processing-dev-s3:0.1.0",
            "examples/dev-s3/Dockerfile",
            (_requirements("dev-s3"), GoProgram("relay", ROOT / "examples/dev-s3/relay", version="0.1.0")),
        ),
        Image(
            "census",
            "census-own-image:0.1.0",
            "examples/census/own-image/Dockerfile",
            (Folder(ROOT / "examples/census/scripts", "scripts"),),
            base="sklearn",
        ),
        Image(
            "lived-in", "processing-e2e-lived-in:0.1.0", "tests/e2e/lived-in/Dockerfile", (), base="agent", tests=True
        ),
    )
}
