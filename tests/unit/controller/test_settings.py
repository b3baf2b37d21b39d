from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from processing_operator.domain.defaults import OperatorDefaults
from processing_operator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def settings(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(f"PROCESSING_{name}", value)
    return Settings()


def test_the_defaults_are_the_domains() -> None:
    assert Settings().defaults() == OperatorDefaults()


@pytest.mark.parametrize(
    ("value", "namespaces"), [("", ()), ("a", ("a",)), ("a,b", ("a", "b")), (" a , ,b,", ("a", "b"))]
)
def test_namespaces(monkeypatch: pytest.MonkeyPatch, value: str, namespaces: tuple[str, ...]) -> None:
    assert settings(monkeypatch, {"NAMESPACES": value}).namespaces == namespaces


def test_everything_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(
        monkeypatch,
        {
            "AGENT_IMAGE": "registry.example.com/agent:2",
            "ALLOW_ROOT": "true",
            "RUN_AS_USER": "2000",
            "SCRIPT_RESOURCES": '{"requests": {"cpu": "500m"}}',
            "PLATFORM_CREDENTIAL_ENDPOINTS": "https://s3.example.com:9000/, minio.example.com,[fd00::1]",
            "RESYNC_SECONDS": "5",
            "LOG_FORMAT": "text",
        },
    )
    assert found.resync_seconds == 5
    assert found.log_format == "text"
    assert found.defaults().agent_image == "registry.example.com/agent:2"
    assert found.defaults().allow_root
    assert found.defaults().run_as_user == 2000
    assert found.defaults().script_resources == {"requests": {"cpu": "500m"}}
    listed = ("https://s3.example.com:9000/", "minio.example.com", "[fd00::1]")
    assert found.defaults().platform_credential_endpoints == listed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "0"),
        ("RESYNC_SECONDS", "0"),
        ("LOG_LEVEL", "loud"),
        ("HEALTH_PORT", "70000"),
        ("PLATFORM_CREDENTIAL_ENDPOINTS", "*"),
        ("PLATFORM_CREDENTIAL_ENDPOINTS", "s3.example.com,*.example.com"),
        ("PLATFORM_CREDENTIAL_ENDPOINTS", "https://"),
        ("PLATFORM_CREDENTIAL_ENDPOINTS", "s3.example.com:9000"),
    ],
)
def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=re.compile(name, re.IGNORECASE)):
        settings(monkeypatch, {name: value})


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
