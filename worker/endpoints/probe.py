"""What a model behind an endpoint can do. Three tiny questions tell: token probabilities, held to JSON, functions."""

import json
from dataclasses import dataclass, field
from typing import Any

from db.errors import NotReady, UserError
from db.types import Endpoint, EndpointModel
from worker.endpoints import clients, failures
from worker.endpoints.failures import Failure, Kind

QUESTION = "What does a plain ceramic coffee mug cost? Answer with the price in US dollars and nothing else."
ANSWER_TOKENS = 64
THINKING_TOKENS = 4_096
OPTIONS = 8  # tries: parameters that a model may refuse, one after the other


@dataclass(slots=True)
class Trial:
    """What the questions showed of one model."""

    works: bool = False
    abilities: dict[str, Any] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)


def models(endpoint: Endpoint) -> list[EndpointModel]:
    """What the endpoint lists, with the day on which a model ends where it says so. Raises UserError."""
    try:
        with clients.client(endpoint) as client:
            body = client.models.with_raw_response.list().http_response.json()
        listed = body.get("data") or []
        return [_model(entry) for entry in listed if isinstance(entry, dict) and entry.get("id")]
    except UserError:
        raise
    except Exception as error:
        raise NotReady(failures.explain(error, endpoint, "", {}).sentence) from error


def _model(entry: dict[str, Any]) -> EndpointModel:
    ends = entry.get("shutdown_date") or (entry.get("deprecation") or {}).get("shutdown_date")
    # vLLM says max_model_len, gateways context_length or context_window.
    told = next((entry[key] for key in ("max_model_len", "context_length", "context_window") if entry.get(key)), None)
    return EndpointModel(str(entry["id"]), str(ends) if ends else None, int(told) if told else None)


def try_model(endpoint: Endpoint, model: str) -> Trial:
    """Ask a model the three questions. Raises NotReady where the key is not there."""
    trial = Trial()
    with clients.client(endpoint) as client:
        asker = _Asker(client, endpoint, model, trial)
        _try_logprobs(asker)
        if trial.works:
            _try_schema(asker)
            _try_tools(asker)
    return trial


class _Asker:
    """Asks one question; without what the model refuses, and with more room where it thinks first."""

    def __init__(self, client: Any, endpoint: Endpoint, model: str, trial: Trial) -> None:
        self.client, self.endpoint, self.model, self.trial = client, endpoint, model, trial

    def ask(self, text: str, **more: Any) -> dict[str, Any] | Failure:
        """The choice (message, logprobs, ...) that came back, or why none did."""
        said: list[dict[str, Any]] = [{"role": "user", "content": text}]
        known: dict[str, Any] = {"temperature": 0, "max_tokens": ANSWER_TOKENS}
        for _ in range(OPTIONS):
            refused = self.trial.abilities.get("refuses", [])
            extra = {name: value for name, value in (known | more).items() if name not in refused}
            if "max_tokens" in refused and "max_completion_tokens" not in refused:
                extra["max_completion_tokens"] = known["max_tokens"]
            try:
                raw = self.client.chat.completions.with_raw_response.create(
                    model=self.model, messages=said, **extra
                )  # fmt: skip
                choice = raw.http_response.json()["choices"][0]
                message = choice["message"]
            except Exception as error:
                failure = failures.explain(error, self.endpoint, self.model, extra)
                if failure.kind is not Kind.REFUSED:
                    return failure
                self.trial.abilities["refuses"] = [*refused, failure.parameter]
                continue
            starved = choice.get("finish_reason") == "length" and not message.get("content")
            if starved and not self.trial.abilities.get("thinks"):
                self.trial.abilities["thinks"] = True
                known["max_tokens"] = THINKING_TOKENS
                continue
            return {"message": message, "logprobs": choice.get("logprobs")}
        return Failure(Kind.ROW, f"The endpoint {self.endpoint.name} refuses every form of the question.")

    def refuses(self, parameter: str) -> bool:
        return parameter in self.trial.abilities.get("refuses", [])


def _try_logprobs(asker: _Asker) -> None:
    trial = asker.trial
    choice = asker.ask(QUESTION, logprobs=True, top_logprobs=20)
    if isinstance(choice, Failure):
        trial.sentences.append(choice.sentence)
        return
    trial.works = True
    trial.abilities["seen"] = True
    text = " ".join(str(choice["message"].get("content") or "").split())
    trial.sentences.append(f"{asker.model} answers: {text[:80]!r} to the price of a coffee mug.")
    trial.abilities["logprobs"] = bool((choice["logprobs"] or {}).get("content"))
    if trial.abilities["logprobs"]:
        trial.sentences.append("It gives token probabilities, so a price comes with its distribution.")
    elif asker.refuses("logprobs"):
        trial.sentences.append("It refuses token probabilities, so a price comes as one number.")
    else:
        trial.sentences.append("It was asked for token probabilities and ignores that, so a price comes as one number.")


def _try_schema(asker: _Asker) -> None:
    schema = {
        "type": "object",
        "properties": {"price": {"type": "number"}, "currency": {"type": "string", "enum": ["USD"]}},
        "required": ["price", "currency"],
        "additionalProperties": False,
    }
    held = {"type": "json_schema", "json_schema": {"name": "price", "strict": True, "schema": schema}}
    # The question says nothing of JSON: only an endpoint that minds the schema answers with it.
    choice = asker.ask(QUESTION, response_format=held)
    answer = None if isinstance(choice, Failure) else _json(choice["message"].get("content"))
    able = isinstance(answer, dict) and set(answer) == {"price", "currency"}
    asker.trial.abilities["json_schema"] = able
    if able:
        asker.trial.sentences.append("It holds its answers to a JSON schema.")
    elif isinstance(choice, Failure) or asker.refuses("response_format"):
        asker.trial.sentences.append("It refuses to hold its answers to a JSON schema; its words are read instead.")
    else:
        asker.trial.sentences.append("It was asked to answer by a JSON schema and ignores that; its words are read.")


def _try_tools(asker: _Asker) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "mug_price",
            "description": "Looks up the price of a mug in US dollars.",
            "parameters": {
                "type": "object",
                "properties": {"material": {"type": "string"}},
                "required": ["material"],
            },
        },
    }
    choice = asker.ask(f"Use the function to look it up. {QUESTION}", tools=[tool], tool_choice="required")
    calls = [] if isinstance(choice, Failure) else choice["message"].get("tool_calls") or []
    able = any((call.get("function") or {}).get("name") == "mug_price" for call in calls)
    asker.trial.abilities["tools"] = able
    if able:
        asker.trial.sentences.append("It can call functions.")
    elif isinstance(choice, Failure) or asker.refuses("tools"):
        asker.trial.sentences.append("It refuses functions, so the technique with tools can't be used with it.")
    else:
        asker.trial.sentences.append(
            "It was given a function and ignores it, so the technique with tools can't be used with it."
        )


def tries_batches(endpoint: Endpoint) -> bool | None:
    """Whether the endpoint has the Batch API; None when it did not answer."""
    try:
        with clients.client(endpoint) as client:
            body = client.batches.with_raw_response.list(limit=1).http_response.json()
        return isinstance(body, dict) and isinstance(body.get("data"), list)
    except Exception as error:
        status = failures.explain(error, endpoint, "", {}).status
        return False if status is not None and status not in (401, 403, 429) and status < 500 else None


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return None
