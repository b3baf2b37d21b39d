"""Rendering the chart as helm does, without a cluster."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from dev import tools

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "processing-operator"
Object = dict[str, Any]


class RefusedError(Exception):
    """Helm does not render the chart with these values; its own words."""


def helm(*args: str, stdin: str = "") -> str:
    """What helm prints.

    Raises:
        RefusedError: it ended with another code than 0.
    """
    done = subprocess.run(
        [tools.helm(), *args], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise RefusedError(done.stdout + done.stderr)
    return done.stdout


def render(
    values: Object | None = None,
    *,
    release: str = "processing-operator",
    namespace: str = "system",
    kubernetes: str = "1.37.0",
) -> Objects:
    """The chart's objects."""
    text = _template(json.dumps(values or {}), release, namespace, kubernetes)
    return Objects([found for found in yaml.safe_load_all(text) if found])


@functools.cache
def _template(values: str, release: str, namespace: str, kubernetes: str) -> str:
    options = ("--namespace", namespace, "--kube-version", kubernetes, "--values", "-")
    return helm("template", release, str(CHART), *options, stdin=values)


class Objects(list[Object]):
    """Rendered objects, found by kind and name."""

    def one(self, kind: str, name: str = "", namespace: str = "") -> Object:
        """The only one that fits."""
        (found,) = self.all(kind, name, namespace)
        return found

    def all(self, kind: str, name: str = "", namespace: str = "") -> list[Object]:
        return [
            found
            for found in self
            if found["kind"] == kind
            and name in ("", found["metadata"]["name"])
            and namespace in ("", found["metadata"].get("namespace", ""))
        ]

    def container(self) -> Object:
        (container,) = self.one("Deployment")["spec"]["template"]["spec"]["containers"]
        found: Object = container
        return found

    def env(self) -> dict[str, str]:
        """The plain values of the operator's environment."""
        return {one["name"]: one["value"] for one in self.container()["env"] if "value" in one}
