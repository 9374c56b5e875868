"""The way of a chat request from its arrival to its answer: logged, checked, limited, troubled, answered."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from tests.fake_openai import wire
from tests.fake_openai.asked import understood
from tests.fake_openai.brain import Answer, Ask, Brain
from tests.fake_openai.limits import Limits
from tests.fake_openai.log import Entry, RequestLog
from tests.fake_openai.settings import Model, Settings, Trouble
from tests.fake_openai.troubled import BrokenOff, BrokenStream, HangUp, Refused, dawdling, scripted_error

_TOLD = ("x-stainless-retry-count", "idempotency-key", "user-agent", "x-client-request-id")


class Chat:
    """The chat side of the server. Used from one event loop."""

    def __init__(self, brain: Brain, settings: Settings) -> None:
        self.brain, self.settings = brain, settings
        self.log = RequestLog()
        self.limits = Limits(settings)
        self.tuned: list[Model] = []  # models that fine-tunes brought
        self._read: set[int] = set()  # hashes of prompt beginnings, for cached_tokens
        self._kept: dict[str, JSONResponse] = {}  # by idempotency key
        self._turns: dict[str, asyncio.Lock] = {}

    def reset(self) -> None:
        """Forgets what was asked and tuned."""
        self.log.clear()
        self.tuned.clear()
        self.limits = Limits(self.settings)
        self._read.clear()
        self._kept.clear()

    def models(self) -> list[Model]:
        return [*(self.brain.models() or self.settings.models), *self.tuned]

    async def post(self, request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise ValueError("not an object")
        except ValueError:
            return Refused(400, "We could not parse the JSON body of your request.").response()
        if "model" in request.path_params:
            body["model"] = request.path_params["model"]  # Azure names it in the address
        headers = {name: request.headers[name] for name in _TOLD if name in request.headers}
        entry = self.log.arrived(request.url.path, body, headers=headers)
        self.log.entered()
        try:
            response = await self._once(request, raw, body, entry)
        except Refused as refused:
            response = refused.response()
        finally:
            self.log.left()
        entry.status = 0 if isinstance(response, HangUp) else response.status_code
        entry.answered_at = time.time()
        response.headers["x-request-id"] = wire.new_id("req_")
        return response

    async def _once(self, request: Request, raw: bytes, body: dict[str, Any], entry: Entry) -> Response:
        """An answer made before under the same key, where keys are honoured; an error is not kept."""
        key = request.headers.get("idempotency-key")
        if key is None or not self.settings.honours_keys:
            return await self._answer(request, raw, body, entry)
        async with self._turns.setdefault(key, asyncio.Lock()):
            if key in self._kept:
                entry.is_repeated = True
                return self._kept[key]
            response = await self._answer(request, raw, body, entry)
            if type(response) is JSONResponse:
                self._kept[key] = response
            return response

    async def _answer(self, request: Request, raw: bytes, body: dict[str, Any], entry: Entry) -> Response:
        settings = self.settings
        authorised(request, settings)
        trouble: Trouble = settings.next_trouble(raw.decode("utf-8", "replace")) if settings.script else "ok"
        entry.trouble = trouble
        if settings.latency_ms:
            await asyncio.sleep(settings.latency_ms / 1000)
        if trouble == "silence":
            await asyncio.sleep(settings.slow_seconds)
        if settings.latency_ms or trouble == "silence":
            entry.gone = await _is_gone(request)
        if trouble == "hang_up":
            return HangUp()
        if trouble == "502":
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", 502)
        error = scripted_error(trouble, settings)
        if error is not None:
            raise error
        model = self.model(body)
        ask = understood(body, model, settings)
        tokens = self.brain.tokens(ask.messages)
        headers = self.limits.take(len(tokens) + (ask.max_tokens or 0))
        answers = [_spoilt(answer, trouble) for answer in await self._think(ask, tokens, body)]
        used = wire.usage(len(tokens), self._cached(tokens), answers)
        entry.tokens_in, entry.tokens_out = used["prompt_tokens"], used["completion_tokens"]
        top = (body.get("top_logprobs") or 0) if ask.logprobs else None
        if body.get("stream"):
            include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            events = wire.events(model.id, answers, used, top, include_usage=include_usage)
            return self._stream(events, trouble, headers)
        return self._whole(wire.completion(model.id, answers, used, top), trouble, headers)

    def model(self, body: Mapping[str, Any]) -> Model:
        """Raises Refused with 404 for a model that is not served here."""
        name = body.get("model")
        found = next((model for model in self.models() if model.id == name), None)
        if found is None:
            raise Refused(
                404,
                f"The model `{name}` does not exist or you do not have access to it.",
                code="model_not_found",
            )
        return found

    async def _think(self, ask: Ask, tokens: list[str], body: Mapping[str, Any]) -> list[Answer]:
        room = ask.model.context - len(tokens)
        if room < (ask.max_tokens or 1):
            raise Refused(
                400,
                f"This model's maximum context length is {ask.model.context} tokens. However, your messages and "
                f"answer need {len(tokens) + (ask.max_tokens or 1)} tokens.",
                code="context_length_exceeded",
                param="messages",
            )
        asks = [_of_choice(ask, i) for i in range(min(max(int(body.get("n") or 1), 1), 16))]
        if self.brain.blocking:
            return [await asyncio.to_thread(self.brain.answer, one) for one in asks]
        return [self.brain.answer(one) for one in asks]

    def answer_line(self, body: dict[str, Any]) -> dict[str, Any]:
        """A line of a batch, without limits or troubles; may think for long. Raises Refused."""
        entry = self.log.arrived("/v1/chat/completions", body, via="batch")
        try:
            model = self.model(body)
            ask = understood(body, model, self.settings)
            tokens = self.brain.tokens(ask.messages)
            answer = self.brain.answer(ask)
        except Refused as refused:
            entry.status = refused.status
            raise
        used = wire.usage(len(tokens), 0, [answer])
        entry.tokens_in, entry.tokens_out, entry.status = used["prompt_tokens"], used["completion_tokens"], 200
        top = (body.get("top_logprobs") or 0) if ask.logprobs else None
        return wire.completion(model.id, [answer], used, top)

    def _cached(self, tokens: list[str]) -> int:
        """Tokens of the longest beginning that came before, in steps, as OpenAI counts its prompt cache."""
        settings, longest, running, at = self.settings, 0, 0, 0
        ends = range(settings.cache_from, len(tokens) + 1, settings.cache_step)
        for end in ends:
            running = hash((running, *tokens[at:end]))
            at = end
            if running in self._read:
                longest = end
            self._read.add(running)
        return longest

    def _stream(self, events: list[bytes], trouble: Trouble, headers: dict[str, str]) -> Response:
        if trouble in ("stream_break", "drop"):
            return BrokenStream(events, headers)
        if trouble == "stream_error":
            error = {"error": {"message": "The server had an error.", "type": "server_error", "code": None}}
            return BrokenStream(events, headers, error)
        if trouble == "invalid_json":
            events[len(events) // 2] = b'data: {"choices": [\n\n'
        seconds = self.settings.slow_seconds / len(events) if trouble == "slow_body" else 0.0

        return StreamingResponse(_paced(events, seconds), headers=headers, media_type="text/event-stream")

    def _whole(self, answer: dict[str, Any], trouble: Trouble, headers: dict[str, str]) -> Response:
        if trouble in ("drop", "stream_break", "stream_error"):
            return BrokenOff(json.dumps(answer), headers=headers, media_type="application/json")
        if trouble == "slow_body":
            return dawdling(json.dumps(answer).encode(), self.settings.slow_seconds, headers)
        if trouble == "invalid_json":
            half = json.dumps(answer)
            return Response(half[: len(half) // 2], headers=headers, media_type="application/json")
        return JSONResponse(answer, headers=headers)


async def _paced(events: list[bytes], seconds: float) -> AsyncIterator[bytes]:
    for event in events:
        if seconds:
            await asyncio.sleep(seconds)
        yield event


def authorised(request: Request, settings: Settings) -> None:
    """Raises Refused with 401 where a key is wanted and another or none was given."""
    if settings.key is None:
        return
    given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    if given != settings.key:
        shown = f"{given[:3]}***" if given else "none"
        raise Refused(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def _of_choice(ask: Ask, i: int) -> Ask:
    """Each of several choices is drawn on its own."""
    return ask if i == 0 or ask.seed is None else replace(ask, seed=ask.seed + i)


def _spoilt(answer: Answer, trouble: Trouble) -> Answer:
    if trouble == "empty":
        return Answer([], (), "stop")
    if trouble == "refused_content":
        return Answer([], (), "content_filter")
    return answer


async def _is_gone(request: Request) -> bool:
    try:
        return await request.is_disconnected()
    except ClientDisconnect:
        return True
