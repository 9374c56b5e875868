"""How a call reaches an endpoint: at an address that was checked and stays, and nothing comes back that holds its key.

A name is resolved here, each of its addresses is checked (worker/endpoints/addresses.py), and the connection goes to
the number: the network can't say another one afterwards. TLS and the Host header keep the name. Where the environment
names a proxy, that one resolves and connects, and the operator's rules are the proxy's; what a name means here is
checked all the same.
"""

import asyncio
import logging
import time
import urllib.request
from collections.abc import Sequence
from urllib.parse import quote

import httpx2

from worker.endpoints import addresses

LIMITS = httpx2.Limits(max_connections=2048, max_keepalive_connections=256)
KNOWN_SECONDS = 60.0
"""How long a checked address is used before the name is asked again."""
SHORTEST_KEY = 4
"""Letters; what is shorter is found everywhere and is no secret."""
HIDDEN = "…"

# At its finest level it writes down headers as they come, and some gateways repeat the key in them.
logging.getLogger("httpcore2").setLevel(logging.WARNING)

_PORTS = {"https": 443, "http": 80}
_OF_THE_WIRE = {"content-encoding", "content-length", "transfer-encoding"}


def _proxy(url: httpx2.URL) -> str | None:
    """The proxy that the environment names for an address."""
    if urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


class _Places:
    """The checked addresses of hosts, for a while."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}

    def known(self, place: tuple[str, int]) -> Sequence[str] | None:
        until, found = self._known.get(place, (0.0, ()))
        return found if time.monotonic() < until else None

    def keep(self, place: tuple[str, int], found: Sequence[str]) -> Sequence[str]:
        self._known[place] = (time.monotonic() + KNOWN_SECONDS, found)
        return found

    def forget(self, place: tuple[str, int]) -> None:
        self._known.pop(place, None)


def _place(request: httpx2.Request) -> tuple[str, int]:
    return request.url.host, request.url.port or _PORTS[request.url.scheme]


def _at(request: httpx2.Request, address: str) -> httpx2.Request:
    """The request, to be sent to that address: the header Host and the name in TLS stay."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _unreachable(request: httpx2.Request) -> httpx2.ConnectError:
    return httpx2.ConnectError(f"the host {request.url.host} is not known", request=request)


def spellings(secret: str) -> list[str]:
    """How a secret may stand in a text: as it is, in JSON, in an address. None for what is too short to be one."""
    if len(secret) < SHORTEST_KEY:
        return []
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
    return sorted({secret, escaped, escaped.replace("\\/", "/"), quote(secret, safe="")}, key=len, reverse=True)


def _without(secret: str, answer: httpx2.Response, body: bytes) -> httpx2.Response:
    """The answer as it may go on: some gateways repeat the key, in errors, headers, names of models and answers."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _OF_THE_WIRE]
    for spelling in spellings(secret):
        body = body.replace(spelling.encode(), HIDDEN.encode())
        headers = [(name, value.replace(spelling, "...")) for name, value in headers]
    return httpx2.Response(
        answer.status_code, headers=headers, content=body, extensions=answer.extensions, request=answer.request
    )


class Transport(httpx2.BaseTransport):
    """For calls one after the other."""

    def __init__(self, url: str, secret: str) -> None:
        self._secret = secret
        proxy = _proxy(httpx2.URL(url))
        self._is_direct = proxy is None
        self._inner = httpx2.HTTPTransport(limits=LIMITS, proxy=proxy)
        self._places = _Places()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._answer(request)
        try:
            body = answer.read()
        finally:
            answer.close()
        return _without(self._secret, answer, body)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        place = _place(request)
        try:
            found = self._places.known(place) or self._places.keep(place, addresses.resolve(*place))
        except OSError as error:
            if self._is_direct:
                raise _unreachable(request) from error
            found = ()  # behind a proxy a name may be unknown
        if not self._is_direct:
            return _with_request(self._inner.handle_request(request), request)
        for address in found[:-1]:
            try:
                return _with_request(self._inner.handle_request(_at(request, address)), request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        try:
            return _with_request(self._inner.handle_request(_at(request, found[-1])), request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._places.forget(place)
            raise

    def close(self) -> None:
        self._inner.close()


class AsyncTransport(httpx2.AsyncBaseTransport):
    """For many calls at once."""

    def __init__(self, url: str, secret: str) -> None:
        self._secret = secret
        proxy = _proxy(httpx2.URL(url))
        self._is_direct = proxy is None
        self._inner = httpx2.AsyncHTTPTransport(limits=LIMITS, proxy=proxy)
        self._places = _Places()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._answer(request)
        try:
            body = await answer.aread()
        finally:
            await answer.aclose()
        return _without(self._secret, answer, body)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        place = _place(request)
        try:
            found = self._places.known(place)
            if not found:
                found = self._places.keep(place, await asyncio.to_thread(addresses.resolve, *place))
        except OSError as error:
            if self._is_direct:
                raise _unreachable(request) from error
            found = ()
        if not self._is_direct:
            return _with_request(await self._inner.handle_async_request(request), request)
        for address in found[:-1]:
            try:
                return _with_request(await self._inner.handle_async_request(_at(request, address)), request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        try:
            return _with_request(await self._inner.handle_async_request(_at(request, found[-1])), request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._places.forget(place)
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


def _with_request(answer: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    answer.request = request
    return answer
