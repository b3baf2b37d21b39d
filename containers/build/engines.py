"""The two programs that build from a Dockerfile."""

from pathlib import Path
from typing import Protocol

from containers.build import debian
from dev.cluster import packages
from dev.cluster.commands import output, run
from dev.cluster.kind import docker_answers
from dev.cluster.places import cache
from dev.cluster.steps import step


class Engine(Protocol):
    """Builds an image and saves it."""

    name: str

    def prepare(self) -> None:
        """Make what every build needs."""

    def build(self, name: str, dockerfile: Path, context: Path) -> None:
        """Build an image under a name with a tag."""

    def save(self, name: str, archive: Path) -> None:
        """Write an image as `docker save` does."""


def engine() -> Engine:
    """Docker if an engine answers, else buildah, which is installed if need be."""
    return Docker() if docker_answers() else Buildah()


class Docker:
    """A Docker engine: it pulls the base image from its registry."""

    name = "docker"

    def prepare(self) -> None:
        """Nothing: docker pulls the base image itself."""

    def build(self, name: str, dockerfile: Path, context: Path) -> None:
        run("docker", "build", "--quiet", "--tag", name, "--file", dockerfile, context)

    def save(self, name: str, archive: Path) -> None:
        run("docker", "save", "--output", archive, name)


class Buildah:
    """Buildah with a store of its own in the cache, so that the base made here is nobody else's.

    Builds run in a chroot, which needs neither a runtime nor cgroups, and reach the network as the machine does.
    """

    name = "buildah"

    def __init__(self) -> None:
        packages.ensure(packages.IMAGES)
        folder = cache() / "buildah"
        # the run folder's path must be short and is of no use after a reboot
        self._buildah = ("buildah", "--root", str(folder / "store"), "--runroot", str(folder / "run"))

    def prepare(self) -> None:
        present = output(*self._buildah, "images", "--format", "{{.Name}}:{{.Tag}}").split()
        if self._full(debian.BASE) not in present:
            with step(f"base image {debian.BASE}"):
                self._make_base()

    def build(self, name: str, dockerfile: Path, context: Path) -> None:
        where = ("--isolation", "chroot", "--network", "host", "--pull-never", "--layers")
        # the machine's package sources are mounted, so that no image holds them
        sources = debian.write_sources(cache() / "buildah" / "sources")
        mount = ("--volume", f"{sources}:/etc/apt/sources.list.d:ro")
        target = ("--tag", self._full(name), "--file", str(dockerfile), str(context))
        run(*self._buildah, "bud", "--quiet", *where, *mount, *target)

    def save(self, name: str, archive: Path) -> None:
        archive.unlink(missing_ok=True)  # an archive is not added to
        run(*self._buildah, "push", "--quiet", self._full(name), f"docker-archive:{archive}:{self._full(name)}")

    def _make_base(self) -> None:
        tree = cache() / "buildah" / "base.tar"
        debian.bootstrap(tree)
        container = output(*self._buildah, "from", "scratch").strip()
        run(*self._buildah, "add", "--quiet", container, tree)
        run(*self._buildah, "config", "--cmd", "bash", container)
        run(*self._buildah, "commit", "--quiet", "--rm", container, self._full(debian.BASE))
        tree.unlink()

    @staticmethod
    def _full(name: str) -> str:
        return f"docker.io/library/{name}"
