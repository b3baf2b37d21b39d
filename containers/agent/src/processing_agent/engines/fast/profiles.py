"""AWS's configuration files: whether there are any, and the region in them. All else in them is left to botocore.

Sources: "Location of the shared config and credentials files" and "AWS Region" of the AWS SDKs and Tools reference
guide.
"""

from __future__ import annotations

import os

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG = ("AWS_CONFIG_FILE", ".aws/config")
CREDENTIALS = ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


def exist(environment: Mapping[str, str]) -> bool:
    """Tell whether a profile is named, or a file of profiles is there."""
    return any(environment.get(name) for name in PROFILES) or any(
        os.path.isfile(_path(environment, *file))  # noqa: PTH113 - pathlib takes long to load
        for file in (CONFIG, CREDENTIALS)
    )


def region(environment: Mapping[str, str]) -> str:
    """Give the region of the profile in use; empty if it has none."""
    profile = next(filter(None, map(environment.get, PROFILES)), "default")
    sections = {"default", "profile default"} if profile == "default" else {f"profile {profile}"}
    for file in (CONFIG, CREDENTIALS):  # botocore merges both
        try:
            with open(_path(environment, *file), encoding="utf-8") as lines:  # noqa: PTH123 - see above
                if found := _value(lines.read(), sections | ({profile} if file is CREDENTIALS else set()), "region"):
                    return found
        except (OSError, ValueError):
            continue  # what is wrong with a file is said by botocore, when keys are looked for there
    return ""


def _path(environment: Mapping[str, str], name: str, default: str) -> str:
    return os.path.expanduser(environment.get(name) or f"~/{default}")  # noqa: PTH111 - see above


def _value(text: str, sections: set[str], name: str) -> str:
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = " ".join(line.strip("[] \t").replace('"', "").split()) in sections
        elif inside and not line[:1].isspace():  # what is indented belongs to the value above it
            key, _, value = line.partition("=")
            if key.strip() == name and value.strip():
                return value.strip()
    return ""
