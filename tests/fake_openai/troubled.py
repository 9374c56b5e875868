"""Answers that go wrong on their way: responses that break off, dawdle, hang up or say an error."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from email.utils import formatdate
from time import time
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fake_openai.settings import Settings, Trouble

# kind -> status, message, type, code, as api.openai.com words them.
ERRORS: dict[Trouble, tuple[int, str, str, str | None]] = {
    "400": (400, "Invalid value for 'messages'.", "invalid_request_error", "invalid_value"),
    "401": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "403": (403, "Country, region, or territory not supported", "request_forbidden", "unsupported_country"),
    "404": (
        404,
        "The model does not exist or you do not have access to it.",
        "invalid_request_error",
        "model_not_found",
    ),
    "408": (408, "Request timed out.", "timeout", None),
    "409": (409, "Another request is using this resource.", "conflict", None),
    "429": (429, "Rate limit reached on requests per min (RPM).", "requests", "rate_limit_exceeded"),
    "429_quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "500": (500, "The server had an error while processing your request.", "server_error", None),
    "503": (503, "The engine is currently overloaded, please try again later.", "service_unavailable", None),
}


class Refused(Exception):
    """A request is answered with an error in the protocol's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        self.headers = headers or {}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, headers=self.headers)


def scripted_error(kind: Trouble, settings: Settings) -> Refused | None:
    """The error of a scripted trouble; None where the trouble is of another sort."""
    if kind not in ERRORS:
        return None
    status, message, type_, code = ERRORS[kind]
    headers = retry_after(1 / (settings.rps or 20), settings) if kind == "429" else {}
    return Refused(status, message, type_, code, headers=headers)


def retry_after(seconds: float, settings: Settings) -> dict[str, str]:
    """Headers that say when to come back. In whole seconds the wait is rounded up, as HTTP wants it."""
    whole = {"retry-after": str(math.ceil(seconds))}
    exact = {"retry-after-ms": str(math.ceil(seconds * 1000))}
    return {
        "both": whole | exact,
        "seconds": whole,
        "ms": exact,
        "date": {"retry-after": formatdate(time() + math.ceil(seconds), usegmt=True)},
        "none": {},
    }[settings.retry_after]


def able_to_hang_up(app: ASGIApp) -> ASGIApp:
    """ASGI has no word for it, so the app gets at uvicorn's connection through the scope."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["hang_up"] = send.__self__.transport.close  # type: ignore[attr-defined]
        await app(scope, receive, send)

    return outer


class HangUp(Response):
    """The connection ends before an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["hang_up"]()
        while (await receive())["type"] != "http.disconnect":
            pass


class BrokenOff(Response):
    """Half of the body that the headers promise, then the connection ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def dawdling(body: bytes, seconds: float, headers: dict[str, str]) -> Response:
    """The whole body, in ten pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        step = max(1, math.ceil(len(body) / 10))
        for start in range(0, len(body), step):
            await asyncio.sleep(seconds / 10)
            yield body[start : start + step]

    return StreamingResponse(pieces(), headers=headers, media_type="application/json")


class BrokenStream(Response):
    """A stream that stops after half of its events: without an end, or with an error event."""

    def __init__(self, events: list[bytes], headers: dict[str, str], error: dict[str, Any] | None = None) -> None:
        super().__init__(headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self.events = events[: max(1, len(events) // 2)]
        self.error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for event in self.events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        if self.error is not None:
            body = b"data: " + json.dumps(self.error).encode() + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": False})
