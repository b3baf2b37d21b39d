"""The digest of the spec that a Pod was built from: what changes it, and what does not."""

from typing import Any

import pytest

from processing_operator.domain.pods.build import spec_digest
from tests.unit.domain.builders import job

ROWS: list[tuple[str, dict[str, Any], bool]] = [
    ("a stop", {"stop": True}, True),
    ("a default written out", {"timeouts": {"runSeconds": 86400}, "inputs": [], "workspace": {"size": "30Gi"}}, True),
    ("another argument", {"args": ["--other"]}, False),
    ("another limit", {"timeouts": {"runSeconds": 60}}, False),
    ("another variable", {"env": [{"name": "A", "value": ""}]}, False),
]


@pytest.mark.parametrize(("change", "same"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_changes_the_digest(change: dict[str, Any], same: bool) -> None:
    assert (spec_digest(job(**change)) == spec_digest(job())) is same


def test_the_digest_is_sixteen_hex_digits() -> None:
    assert len(spec_digest(job())) == 16
    int(spec_digest(job()), 16)
