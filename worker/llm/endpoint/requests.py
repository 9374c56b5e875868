"""The body of a chat completion that is sent to an endpoint, as far as the model's known abilities go."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from worker.amounts import currencies
from worker.llm.base import Prompt, Readout, Tool
from worker.llm.endpoint.responses import TOP
from worker.specs.price_bounds import USUAL

PRICE_TOKENS = 32
"""Room for a price and a few words around it."""
THINKING_TOKENS = 4_096
"""Room for the hidden thoughts of a reasoning model before it."""


def _price_schema(readout: Readout) -> dict[str, Any]:
    """JSON with a price. The bounds are told and not enforced: a model that is held to them would say the nearer end
    where it means a price outside, and nobody would know."""
    return {
        "type": "object",
        "properties": {"price": {"type": "number", "description": _described(readout)}},
        "required": ["price"],
        "additionalProperties": False,
    }


def _described(readout: Readout) -> str:
    name, bounds = currencies.of(readout.currency or "USD").name, readout.bounds
    if bounds == USUAL:  # as ever, so that stored answers are found again
        return name
    return f"{name}{' and cents' if bounds.places else ''}, usually {bounds.lowest:.9g} to {bounds.highest:.9g}"


def fingerprint(base_url: str, request: Mapping[str, Any], sample: int) -> str:
    """The hash of a whole request: where it goes, all of its body, and which fresh sample it is."""
    text = json.dumps([base_url.rstrip("/"), request, sample], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def for_price(model: str, prompt: Prompt, abilities: Mapping[str, Any], readout: Readout) -> dict[str, Any]:
    """A question for a price: with token probabilities where the model may have them, else held to JSON, else plain."""
    body = _chat(model, messages(prompt), PRICE_TOKENS, abilities)
    if readout.greedy:
        return body
    if wants_logprobs(abilities):
        body |= {"logprobs": True} | ({"top_logprobs": TOP} if "top_logprobs" not in _refused(abilities) else {})
    elif wants_schema(abilities):
        body["response_format"] = _held_to("price", _price_schema(readout))
    return body


def for_text(
    model: str, prompt: Prompt, abilities: Mapping[str, Any], max_tokens: int, schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    body = _chat(model, messages(prompt), max_tokens, abilities)
    if schema is not None and wants_schema(abilities):
        body["response_format"] = _held_to("answer", schema)
    return body


def with_tools(
    model: str, history: Sequence[Mapping[str, Any]], tools: Sequence[Tool], abilities: Mapping[str, Any],
    *, greedy: bool, may_call: bool,
) -> dict[str, Any]:  # fmt: skip
    """The next round of a talk in which the model may call functions, or (may_call False) has to answer now."""
    body = _chat(model, history, 256 if may_call else PRICE_TOKENS, abilities)
    if not greedy and wants_logprobs(abilities):
        body |= {"logprobs": True} | ({"top_logprobs": TOP} if "top_logprobs" not in _refused(abilities) else {})
    body["tools"] = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.about, "parameters": dict(tool.parameters)},
        }
        for tool in tools
    ]
    if not may_call and "tool_choice" not in _refused(abilities):
        body["tool_choice"] = "none"
    return body


def messages(prompt: Prompt) -> list[dict[str, Any]]:
    said = [{"role": "user", "content": prompt.user}]
    return [{"role": "system", "content": prompt.system}, *said] if prompt.system else said


def wants_logprobs(abilities: Mapping[str, Any]) -> bool:
    return abilities.get("logprobs", True) and "logprobs" not in _refused(abilities)


def wants_schema(abilities: Mapping[str, Any]) -> bool:
    return abilities.get("json_schema", True) and "response_format" not in _refused(abilities)


def room(max_tokens: int, abilities: Mapping[str, Any]) -> int:
    """Tokens an answer may have: a model that thinks first needs more than it says."""
    return max_tokens + (THINKING_TOKENS if abilities.get("thinks") else 0)


def _chat(
    model: str, said: Sequence[Mapping[str, Any]], max_tokens: int, abilities: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    refused = _refused(abilities)
    body: dict[str, Any] = {"model": model, "messages": list(said)}
    if "temperature" not in refused:
        body["temperature"] = 0
    limit = next((name for name in ("max_tokens", "max_completion_tokens") if name not in refused), None)
    if limit:
        body[limit] = room(max_tokens, abilities)
    return body


def most_out(request: Mapping[str, Any]) -> int:
    """How many tokens the answer to a request can have, for setting money aside."""
    told = request.get("max_tokens", request.get("max_completion_tokens"))
    return int(told) if told is not None else THINKING_TOKENS


def _held_to(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": _is_closed(schema), "schema": dict(schema)}}


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether endpoints take a schema as strict: every object names all it has, and requires all of it."""
    properties = schema.get("properties") or {}
    is_object = bool(schema.get("type") == "object" or properties)
    closed = schema.get("additionalProperties") is False and set(schema.get("required") or ()) == set(properties)
    if is_object and not closed:
        return False
    inner = [*properties.values(), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return all(_is_closed(part) for part in inner)


def _refused(abilities: Mapping[str, Any]) -> Sequence[str]:
    found: Sequence[str] = abilities.get("refuses", ())
    return found
