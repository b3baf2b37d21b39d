"""Options of the suite, and the mark of an expected difference between the engines."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--landing-keys", type=int, default=20_000, help="keys for the property of key mapping")
    parser.addoption("--kill-points", type=int, default=8, help="points of a transfer at which it is killed")
    parser.addoption("--bounded-scale", type=float, default=0.01, help="share of 1,000,000 keys, 200,000 files, 20 GiB")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "differs(engine, why, raises): this engine cannot meet the rule; the case must fail, so, for it"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine_name")  # type: ignore[attr-defined]
        for mark in item.iter_markers("differs"):
            if mark.args[0] == engine:
                item.add_marker(pytest.mark.xfail(reason=mark.args[1], raises=mark.args[2], strict=True))
