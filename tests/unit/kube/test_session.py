"""Requests, over real sockets: what comes back, or does not."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from processing_operator.kube import session as module
from processing_operator.kube.errors import DeniedError, NotFoundError, TransientError
from tests.unit.kube.server import configuration, serving

if TYPE_CHECKING:
    from pathlib import Path

    from processing_operator.kube.session import Session
    from tests.unit.kube.server import Handler

POD = {"kind": "Pod", "metadata": {"name": "p"}}
PATH = "/api/v1/namespaces/ns/pods"


def answering(status: int = 200, *, headers: dict[str, str] | None = None, **answer: Any) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        if "json" in answer:
            return web.json_response(answer["json"], status=status, headers=headers)
        return web.Response(status=status, headers=headers, **answer)

    return handle


async def test_a_request_carries_what_it_is_given() -> None:
    asked: list[Any] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append((request.method, request.path, dict(request.query), await request.json(), request.headers))
        return web.json_response(POD)

    async with serving(handle, token="secret") as session:
        query = {"fieldSelector": "status.state!=Failed,status.state!=Stopped"}
        body = {"metadata": {"name": "p"}}
        assert await session.request("PATCH", PATH, query=query, body=body, content_type=module.MERGE_PATCH) == POD
    [(method, path, found, sent, headers)] = asked
    assert (method, path, found, sent) == ("PATCH", PATH, query, body)
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == module.MERGE_PATCH
    assert headers["User-Agent"].startswith("processing-operator/")
    assert headers["Accept-Encoding"] == "identity"


async def test_each_request_is_told_of_by_what_it_is_about() -> None:
    told: list[tuple[str, str, str]] = []
    answers = iter([200, 404, 429])

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(POD, status=next(answers))

    async with serving(handle, tell=lambda *request: told.append(request)) as session:
        await session.request("POST", PATH, body={})
        with pytest.raises(TransientError):
            await session.read_text(f"{PATH}/p/log", query={})
        with pytest.raises(TransientError):
            [line async for line in session.stream(PATH, query={"watch": "1"}, silence=1.0)]
        session._configuration.host = "http://127.0.0.1:1"
        with pytest.raises(TransientError):
            await session.request("GET", PATH)
    of_pods = [(verb, code) for verb, resource, code in told if resource == "pods"]
    assert of_pods == [("POST", "200"), ("WATCH", "429"), ("GET", "none")]
    assert ("GET", "pods/log", "404") in told


@pytest.mark.parametrize(
    "handler",
    [
        answering(text="<html>Sign in</html>", content_type="text/html"),
        answering(text=""),
        answering(json=[1]),
        answering(json={"ok": True}),
        answering(body=b"[" * 100_000),
        answering(body=b"\xff\x00"),
        answering(204),
    ],
    ids=["html", "empty", "list", "no kind", "brackets", "bytes", "204"],
)
async def test_a_success_that_is_not_kubernetes_is_none(handler: Handler) -> None:
    async with serving(handler) as session:
        with pytest.raises(TransientError, match="no object of Kubernetes"):
            await session.request("GET", PATH)


async def test_a_redirect_is_not_followed() -> None:
    """It would make of the POST a GET, whose list then looks like the Pod that was made."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path}")
        return web.Response(status=301, headers={"Location": "/elsewhere"})

    async with serving(handle) as session:
        with pytest.raises(TransientError, match="301"):
            await session.request("POST", PATH, body=POD)
    assert asked == [f"POST {PATH}"]


async def test_refusals_by_kubernetes_and_by_others() -> None:
    status = {"kind": "Status", "reason": "NotFound", "message": "no"}
    async with serving(answering(404, json=status)) as session:
        with pytest.raises(NotFoundError):
            await session.request("GET", PATH)
    async with serving(answering(404, text="404 page not found")) as session:
        with pytest.raises(TransientError) as caught:
            await session.request("GET", PATH)
    assert not caught.value.certain
    async with serving(answering(403, json={**status, "reason": "Forbidden"})) as session:
        with pytest.raises(DeniedError):
            await session.read_text(f"{PATH}/p/log", query={})


async def test_retry_after_is_passed_on() -> None:
    async with serving(answering(429, text="later", headers={"Retry-After": "7"})) as session:
        with pytest.raises(TransientError) as caught:
            await session.request("GET", PATH)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("begins", [False, True], ids=["no head", "half a body"])
async def test_a_request_ends_in_its_time(begins: bool) -> None:
    ended = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if begins:
            await response.prepare(request)
            await response.write(b'{"kind":')
        await ended.wait()
        return response

    async with serving(handle) as session:
        with pytest.raises(TransientError, match="TimeoutError"):
            await session.request("GET", PATH, timeout=0.1)
        ended.set()


async def test_a_connection_that_breaks_off() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handle) as session:
        with pytest.raises(TransientError):
            await session.request("GET", PATH)


async def test_refused_credentials_are_read_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = asyncio.Barrier(3)

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer new":
            return web.json_response(POD)
        await refused.wait()
        return web.json_response({"kind": "Status", "reason": "Unauthorized"}, status=401)

    loads = []

    async def load() -> Any:
        loads.append(1)
        return configuration(session._configuration.host, "new")

    monkeypatch.setattr(module, "load_configuration", load)
    async with serving(handle, token="old") as session:
        answers = await asyncio.gather(*(session.request("GET", PATH) for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [TransientError] * 3
        assert await session.request("GET", PATH) == POD
    assert len(loads) == 1


async def test_credentials_that_cannot_be_read_are_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token file is being replaced, a plugin has no network: whatever they raise, it is tried again."""

    async def load() -> Any:
        raise FileNotFoundError("token")

    monkeypatch.setattr(module, "load_configuration", load)
    async with serving(answering(401, json={"kind": "Status"}), token="old") as session:
        with pytest.raises(TransientError, match="no credentials"):
            await session.request("GET", PATH)
        monkeypatch.setattr(session._configuration, "get_api_key_with_prefix", lambda _name: load())
        with pytest.raises(TransientError, match="no credentials"):
            await session.request("GET", PATH)


async def test_a_request_asks_no_thread_for_proxies_or_passwords(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(answering(json=POD)) as session:
        before = threading.active_count()
        assert await session.request("GET", PATH) == POD
        assert threading.active_count() == before


async def lines_of(session: Session, silence: float = 5.0) -> list[bytes]:
    return [line async for line in session.stream(PATH, query={"watch": "true"}, silence=silence)]


def streaming(*chunks: bytes, then: asyncio.Event | None = None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then is not None:
            await then.wait()
        return response

    return handle


async def test_lines_come_whole_however_they_are_cut() -> None:
    async with serving(streaming(b"on", b"e\n\ntwo\nth", b"ree\nhalf")) as session:
        assert await lines_of(session) == [b"one", b"two", b"three"]


async def test_a_line_of_a_mebibyte_is_one() -> None:
    line = b"x" * (1 << 20)
    async with serving(streaming(line + b"\n" + line + b"\nshort\n")) as session:
        assert await lines_of(session) == [line, line, b"short"]


async def test_a_line_without_end_is_not_kept() -> None:
    async with serving(streaming(*[b"x" * (1 << 20)] * 17)) as session:
        with pytest.raises(TransientError, match="a line of more than"):
            await lines_of(session)


async def test_silence_is_a_lost_connection() -> None:
    forever = asyncio.Event()
    async with serving(streaming(b"one\n", then=forever)) as session:
        lines = session.stream(PATH, query={}, silence=0.2)
        assert await anext(lines) == b"one"
        with pytest.raises(TransientError, match="imeout"):
            await anext(lines)
        forever.set()


async def test_a_refused_watch() -> None:
    async with serving(answering(410, json={"kind": "Status", "reason": "Expired"})) as session:
        with pytest.raises(TransientError) as caught:
            await lines_of(session)
    assert (caught.value.status, caught.value.reason) == (410, "Expired")
