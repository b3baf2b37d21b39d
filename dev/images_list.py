"""`make images-list`: the images that a registry of one's own must hold, as the chart names them.

Options are helm's: `make images-list VALUES="--values mine.yaml"` names them as that installation asks for them.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from containers.build.catalog import IMAGES
from dev import tools
from dev.install import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def images(options: Iterable[str]) -> list[str]:
    """What the operator's Pod and jobs' Pods run, and the ready-made image for scripts."""
    command = [tools.helm(), "template", "processing-operator", "charts/processing-operator", *options]
    text = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {image for one in yaml.safe_load_all(text) if one for image in _of(one)}
    return [*sorted(found), IMAGES["sklearn"].name]


def _of(obj: Any) -> Iterator[str]:
    """Those of its containers, and those that the operator is told of."""
    pod = obj.get("spec", {}).get("template", {}).get("spec", {})
    for container in (*pod.get("initContainers", []), *pod.get("containers", [])):
        yield container["image"]
        yield from (one["value"] for one in container.get("env", []) if one["name"].endswith("_IMAGE"))


if __name__ == "__main__":
    print("\n".join(images(sys.argv[1:])))
