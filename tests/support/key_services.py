"""The services that give keys - STS, Pod Identity, an instance's metadata - in one small server that can misbehave.

It stands in for AWS's only to inject faults and to be slow; the exchange of a web identity is also tried against
SeaweedFS's STS (`tests/integration/agent/engines/test_web_identity.py`).
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs

ROLE = "arn:aws:iam::123456789012:role/reader"
TOKEN = "pod's token"
FORMAT = "%Y-%m-%dT%H:%M:%SZ"
SESSION_TOKEN, SESSION_HEADER = "machine's token", "x-aws-ec2-metadata-token"
SESSION = "/latest/api/token"
ROLES = "/latest/meta-data/iam/security-credentials/"
POD_IDENTITY = "/pod-identity"


@dataclass(frozen=True)
class Asked:
    """One question; header names in lower case, `form` of a question to STS."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def token(self) -> str:
        """Give the token that the asker brought."""
        headers = self.headers
        return self.form.get("WebIdentityToken") or headers.get("authorization") or headers.get(SESSION_HEADER) or ""


Trouble = Callable[[Asked], tuple[int, str]]


def refused(status: int, code: str) -> Trouble:
    """Refuse in the words of the service that is asked, and say more than it should."""

    def trouble(asked: Asked) -> tuple[int, str]:
        message = f"injected, for {asked.token}"
        if asked.form:
            error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            return status, f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}</ErrorResponse>'
        return status, json.dumps({"code": code, "message": message})

    return trouble


@dataclass
class KeyServices:
    """Gives keys, numbered from `key-1` on."""

    lasts: timedelta = timedelta(hours=6)
    ahead: timedelta = timedelta()  # of our clock
    issued: int = 0
    asked: list[Asked] = field(default_factory=list)
    context: ssl.SSLContext | None = None  # behind TLS
    has_sessions: bool = True  # an instance's metadata service of version 2
    location: str = ""  # where redirects lead
    gate: threading.Event = field(default_factory=threading.Event)  # closed: keys are not given before it is set
    waiting: threading.Event = field(default_factory=threading.Event)  # somebody stands at the gate
    _trouble: list[Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.gate.set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        if self.context:
            self._http.socket = self.context.wrap_socket(self._http.socket, server_side=True)

    @property
    def endpoint(self) -> str:
        return "{}://{}:{}".format("https" if self.context else "http", *self.address)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._http.server_address[1])

    def inject(self, trouble: Trouble, times: int = 1) -> None:
        """Let the next questions for keys go wrong, so many times."""
        with self._lock:
            self._trouble += [trouble] * times

    def recover(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._trouble.clear()

    def settings(self, kind: str, token_file: str) -> dict[str, str]:
        """Give the variables that lead here, by the kind of credentials."""
        return {
            "web identity": {
                "AWS_WEB_IDENTITY_TOKEN_FILE": token_file,
                "AWS_ROLE_ARN": ROLE,
                "AWS_ENDPOINT_URL_STS": self.endpoint,
                "AWS_REGION": "us-east-1",
            },
            "pod identity": {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.endpoint}{POD_IDENTITY}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token_file,
            },
            "container": {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.endpoint}{POD_IDENTITY}",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
            },
            "instance": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.endpoint},
        }[kind]

    def answer(self, asked: Asked) -> tuple[int, str]:
        """Answer one question."""
        with self._lock:
            self.asked.append(asked)
        if asked.path == SESSION:
            return (200, SESSION_TOKEN) if asked.method == "PUT" and self.has_sessions else (405, "")
        if self.has_sessions and asked.path.startswith(ROLES) and asked.headers.get(SESSION_HEADER) != SESSION_TOKEN:
            return 401, ""
        if asked.path == ROLES:
            return 200, "reader"
        with self._lock:
            trouble = self._trouble.pop(0) if self._trouble else None
        return trouble(asked) if trouble else self._keys(asked)

    def _keys(self, asked: Asked) -> tuple[int, str]:
        if not self.gate.is_set():
            self.waiting.set()
            self.gate.wait()
        with self._lock:
            self.issued += 1
            number = self.issued
        until = (datetime.now(UTC) + self.ahead + self.lasts).strftime(FORMAT)
        keys = {"AccessKeyId": f"key-{number}", "SecretAccessKey": "s", "Token": "token", "Expiration": until}
        if not asked.form:
            if asked.path == POD_IDENTITY and not asked.token:
                return 401, ""
            return 200, json.dumps({"Code": "Success", **keys})
        named = {"SessionToken" if name == "Token" else name: value for name, value in keys.items()}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in named.items())
        return 200, (
            '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<AssumeRoleWithWebIdentityResult><Credentials>{inner}</Credentials><AssumedRoleUser>"
            f"<Arn>{ROLE}</Arn><AssumedRoleId>r</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult>"
            "</AssumeRoleWithWebIdentityResponse>"
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()


def _handler(services: KeyServices) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, text = services.answer(Asked(self.command, self.path, headers, form))
            self.send_response(status)
            if services.location:
                self.send_header("Location", services.location)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = _one  # noqa: N815 - the base class's names

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + services.ahead.total_seconds())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler
