"""The command `python -m dev.cluster`."""

import argparse
import sys
from pathlib import Path

from dev.cluster import choice
from dev.cluster.errors import ClusterError
from dev.cluster.places import kubeconfig
from dev.cluster.steps import say


def main() -> int:
    arguments = _parser().parse_args()
    try:
        _do(arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.cluster", description="A cluster for demo and tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the cluster, or use the one that runs")
    down = commands.add_parser("down", help="end the cluster and check that nothing is left behind")
    down.add_argument("--wipe", action="store_true", help="forget loaded images and certificates too")
    commands.add_parser("status", help="say what runs")
    load = commands.add_parser("load", help="load images from archives as `docker save` writes them")
    load.add_argument("archive", type=Path, nargs="+")
    commands.add_parser("kubeconfig", help="print the path of the kubeconfig that `up` writes")
    return parser


def _do(arguments: argparse.Namespace) -> None:
    if arguments.command == "kubeconfig":
        print(kubeconfig())
        return
    cluster = choice.cluster()
    if arguments.command == "up":
        say(f"cluster: {choice.name()}")
        cluster.up()
        say(f"export KUBECONFIG={kubeconfig()}")
    elif arguments.command == "down":
        cluster.down(wipe=arguments.wipe)
    elif arguments.command == "load":
        cluster.load(arguments.archive)
    else:
        cluster.status()


if __name__ == "__main__":
    sys.exit(main())
