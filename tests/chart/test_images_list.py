"""`make images-list` names what the rendered chart runs, and nothing else is pulled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from containers.build.catalog import IMAGES
from dev.images_list import images
from tests.chart.rendering import Object, render

MIRROR: Object = {
    "image": {"repository": "mirror.example/po", "digest": "sha256:" + "a" * 64},
    "agent": {"image": {"repository": "mirror.example/pa", "tag": "7"}},
}


@pytest.mark.parametrize("values", [{}, MIRROR], ids=["default", "mirror"])
def test_images_are_the_charts(values: Object, tmp_path: Path) -> None:
    (tmp_path / "values.json").write_text(json.dumps(values))
    objects = render(values)
    agent, script = objects.env()["PROCESSING_AGENT_IMAGE"], IMAGES["sklearn"].name
    assert images(["--values", str(tmp_path / "values.json")]) == [
        *sorted([objects.container()["image"], agent]),
        script,
    ]


def test_default_names_are_those_that_are_built() -> None:
    assert set(images([])) == {IMAGES[key].name for key in ("operator", "agent", "sklearn")}
