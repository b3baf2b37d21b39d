"""An OpenID Connect issuer of one key: discovery, its key, and tokens as a kubelet projects them.

A cluster's API server is one too (its tokens are tried in the end-to-end tests); this one needs no cluster. Keys and
signatures are openssl's.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

AUDIENCE = "sts.amazonaws.com"
KEY_ID = "key-1"
EXPONENT = 65_537


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, check=True, capture_output=True).stdout


class Issuer:
    """Serves discovery at `url`, and signs tokens. `directory` keeps the key."""

    def __init__(self, directory: Path) -> None:
        self._key = str(directory / "issuer.pem")
        _openssl("genrsa", "-out", self._key, "2048")
        modulus = _openssl("rsa", "-in", self._key, "-noout", "-modulus").decode().strip().partition("=")[2]
        public = {
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
            "n": _encoded(bytes.fromhex(modulus)), "e": _encoded(EXPONENT.to_bytes(3, "big")),
        }  # fmt: skip
        self._documents: dict[str, Any] = {"/jwks": {"keys": [public]}}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._documents["/.well-known/openid-configuration"] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @property
    def url(self) -> str:
        """The issuer, as tokens name it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def token(self, subject: str, audience: str = AUDIENCE, lasts: float = 3600.0) -> str:
        """Sign a token for a subject, `system:serviceaccount:NAMESPACE:NAME`; it lasts so many seconds."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + int(lasts)}
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        signature = _openssl("dgst", "-sha256", "-sign", self._key, given=signed.encode())
        return f"{signed}.{_encoded(signature)}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        documents = self._documents

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = documents.get(self.path)
                text = json.dumps(document).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
