"""Reads an answer of the OpenAI protocol, and makes what is kept of it."""

import math
from collections.abc import Mapping
from typing import Any

TOP = 20  # alternatives per token: the most that the protocol gives
IMPOSSIBLE = -9999.0  # the log-probability that the protocol gives to what is


def is_answer(body: Any) -> bool:
    """Whether it is a chat completion at all: some gateways answer errors with status 200."""
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list) or not body["choices"]:
        return False
    first = body["choices"][0]
    return isinstance(first, dict) and isinstance(first.get("message"), dict)


def usage(body: Mapping[str, Any]) -> tuple[int, int, int, bool]:
    """Tokens in, of those cached, tokens out, and whether the endpoint told them at all."""
    counts = body.get("usage")
    if not isinstance(counts, dict):
        return 0, 0, 0, False
    tokens_in, out = _whole(counts.get("prompt_tokens")), _whole(counts.get("completion_tokens"))
    details = counts.get("prompt_tokens_details")
    cached = _whole(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return tokens_in, min(cached, tokens_in), out, True


def compact(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an answer: text, finish_reason, logprobs ([[token, logprob, [[token, logprob], ...]], ...] or
    None), calls ([{id, name, arguments (text)}]), refusal, thought (tokens nobody sees), model."""
    choice = body["choices"][0]
    message = choice["message"]
    text = message.get("content")
    if isinstance(text, list):  # parts, as some gateways send
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    details = (body.get("usage") or {}).get("completion_tokens_details")
    return {
        "text": text if isinstance(text, str) else "",
        "finish_reason": choice.get("finish_reason"),
        "logprobs": _logprobs(choice.get("logprobs")),
        "calls": _calls(message.get("tool_calls")),
        "refusal": message.get("refusal"),
        "thought": _whole(details.get("reasoning_tokens")) if isinstance(details, dict) else 0,
        "model": body.get("model"),
    }


def _logprobs(given: Any) -> list[list[Any]] | None:
    content = given.get("content") if isinstance(given, dict) else None
    if not isinstance(content, list) or not content or not all(isinstance(place, dict) for place in content):
        return None
    return [
        [
            place.get("token", ""),
            _log(place.get("logprob")),
            [
                [top.get("token", ""), _log(top.get("logprob"))]
                for top in (place.get("top_logprobs") or [])[:TOP]
                if isinstance(top, dict)
            ],
        ]
        for place in content
    ]


def _log(value: Any) -> float:
    """A log-probability; some servers write null or -Infinity for that of what is impossible."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return round(float(value), 5) if is_number else IMPOSSIBLE


def _calls(given: Any) -> list[dict[str, str]]:
    calls: list[dict[str, str]] = []
    for call in given if isinstance(given, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and function.get("name"):
            calls.append(
                {
                    "id": str(call.get("id") or f"call_{len(calls)}"),
                    "name": str(function["name"]),
                    "arguments": str(function.get("arguments") or "{}"),
                }
            )
    return calls


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value < 2**31 else 0
