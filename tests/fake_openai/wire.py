"""An answer as it looks on the wire: the chat completion object and the events of a stream."""

import json
import time
from itertools import count
from typing import Any

from tests.fake_openai.brain import Answer, Token

_numbers = count(1)


def new_id(prefix: str) -> str:
    return f"{prefix}{next(_numbers):012x}"


def usage(tokens_in: int, cached: int, answers: list[Answer]) -> dict[str, Any]:
    """Hidden reasoning counts as output, and so do the words of tool calls."""
    thought = sum(answer.reasoning for answer in answers)
    out = thought
    for answer in answers:
        out += len(answer.tokens) + sum(8 + len(call.arguments) // 4 for call in answer.calls)
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": out,
        "total_tokens": tokens_in + out,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(model: str, answers: list[Answer], used: dict[str, Any], top: int | None) -> dict[str, Any]:
    """`top`: how many alternatives per token; None: no log-probabilities were asked for."""
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [_choice(i, answer, top) for i, answer in enumerate(answers)],
        "usage": used,
        "service_tier": "default",
        "system_fingerprint": "fp_tests",
    }


def _choice(index: int, answer: Answer, top: int | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None, "annotations": []}
    if answer.calls:
        message["tool_calls"] = _calls(answer)
    elif answer.finish != "content_filter":
        message["content"] = answer.text
    return {
        "index": index,
        "message": message,
        "logprobs": None if top is None else _logprobs(answer.tokens, top),
        "finish_reason": answer.finish,
    }


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"id": new_id("call_"), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in answer.calls
    ]


def _logprobs(tokens: list[Token], top: int) -> dict[str, Any]:
    def one(text: str, logprob: float) -> dict[str, Any]:
        broken = "\ufffd" in text  # a token with a part of a letter only
        return {"token": text, "logprob": logprob, "bytes": None if broken else list(text.encode())}

    content = [
        {**one(token.text, token.logprob), "top_logprobs": [one(*pair) for pair in token.top[:top]]} for token in tokens
    ]
    return {"content": content, "refusal": None}


def events(
    model: str, answers: list[Answer], used: dict[str, Any], top: int | None, *, include_usage: bool
) -> list[bytes]:
    """The server-sent events of a streamed answer, [DONE] included."""
    base = {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_tests",
    }
    out: list[dict[str, Any]] = []

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> None:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        out.append({**base, "choices": [choice], **({"usage": None} if include_usage else {})})

    for i, answer in enumerate(answers):
        chunk(i, {"role": "assistant", "content": None if answer.calls else "", "refusal": None})
        for token in answer.tokens:
            chunk(i, {"content": token.text}, logprobs=None if top is None else _logprobs([token], top))
        for n, call in enumerate(_calls(answer)):
            arguments, function = call["function"]["arguments"], call["function"]
            chunk(i, {"tool_calls": [{**call, "index": n, "function": {**function, "arguments": ""}}]})
            for start in range(0, len(arguments), 8):
                piece = arguments[start : start + 8]
                chunk(i, {"tool_calls": [{"index": n, "function": {"arguments": piece}}]})
        chunk(i, {}, finish=answer.finish)
    if include_usage:
        out.append({**base, "choices": [], "usage": used})
    return [*(b"data: " + json.dumps(event).encode() + b"\n\n" for event in out), b"data: [DONE]\n\n"]
