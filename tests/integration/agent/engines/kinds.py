"""The kinds of credentials that a service gives, as parameters of a test."""

from __future__ import annotations

import pytest

KINDS = ("web identity", "pod identity", "container", "instance")
TOKENS = KINDS[:2]  # those that read a token from a file


def every(why: str, raises: type[Exception], *kinds: str) -> pytest.MarkDecorator:
    """Every kind of credentials; `kinds` are those that the reference engine cannot do."""
    mark = pytest.mark.differs("reference", why, raises)
    return pytest.mark.parametrize(
        "identity", [pytest.param(kind, marks=mark) if kind in kinds else kind for kind in KINDS], indirect=True
    )
