"""The command `python -m containers.build`."""

import argparse
import sys

from containers.build import building
from containers.build.catalog import IMAGES
from containers.build.engines import engine
from dev.cluster import choice
from dev.cluster.errors import ClusterError


def main() -> int:
    arguments = _parser().parse_args()
    try:
        _do(arguments.image or _for_users(), load=arguments.load)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m containers.build", description="Build the project's images.")
    parser.add_argument("image", nargs="*", choices=[[], *IMAGES], help="those for users if none is named")
    parser.add_argument("--load", action="store_true", help="load them into the cluster that CLUSTER names")
    return parser


def _for_users() -> list[str]:
    return [key for key, image in IMAGES.items() if not image.tests]


def _do(keys: list[str], *, load: bool) -> None:
    images = building.with_bases(keys)
    builder = engine()
    with building.alone():
        missing = [image for image in images if not building.is_built(image, builder)]
        if missing:
            building.prepare(missing, builder)
        for image in missing:
            building.build(image, builder)
        for image in images:
            if image not in missing:
                print(f"{image.name} is built already")
        if load:
            choice.cluster().load([building.archive_of(image) for image in images])


if __name__ == "__main__":
    sys.exit(main())
