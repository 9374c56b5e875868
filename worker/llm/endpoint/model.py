"""A model behind an endpoint: the language model protocol over paid, stored, shared calls."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from db import completions, endpoints
from db.engine import begin
from db.errors import NotReady
from db.types import Endpoint, Tariff
from worker.endpoints import tariffs
from worker.llm.base import Pooling, Prompt, Reading, Readout, Spent, Tool, Written
from worker.llm.endpoint import batch_api, client, logprob_reading, requests
from worker.llm.endpoint.client import Call, Outcome
from worker.llm.price_reading import parse_price
from worker.progress import Progress
from worker.prompts import token_guess

CONTEXT = 128_000  # tokens, where the endpoint does not say what the model reads
OPTIONS = 8  # tries to find a form of the question that a model takes: it refuses one parameter after the other


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt with the request that was made of it and what came back."""

    prompt: Prompt
    request: dict[str, Any]
    outcome: Outcome
    spent: Spent


class PaidModel:
    """ "ENDPOINT:MODEL". `sample`: 0 reuses stored answers, another number asks anew. `batch`: as in worker.specs."""

    speaks = True

    def __init__(self, name: str, sample: int = 0, batch: str = "off") -> None:
        """Makes the model of an endpoint. Raises NotFound when there is no such endpoint."""
        self.name, self.sample, self.batch = name, sample, batch
        self._endpoint_name, _, self._model = name.partition(":")
        endpoint = self._refresh()
        self.context = endpoint.model(self._model).context or CONTEXT
        self.signature = f"{endpoint.base_url.rstrip('/')}:{self._model}:{sample}"

    # Counting

    def count(self, texts: list[str]) -> list[int]:
        """The tokens of each text, an upper estimate: worker.prompts.token_guess says by which rule."""
        return [token_guess.count(text) for text in texts]

    def cut(self, texts: list[str], tokens: int) -> list[str]:
        return [token_guess.cut(text, tokens) for text in texts]

    # Answering

    def price(self, prompts: list[Prompt], readout: Readout, progress: Progress) -> list[Reading]:
        """Readings with a distribution where the endpoint gives token probabilities, else with the price of the text.

        evidence: "answer", "likeliest", "ignored" (what the endpoint does not do although it was asked). Raises Pause,
        Defer, Cancelled as worker.llm.endpoint.client.ask does.
        """
        exchanges = self._ask(prompts, lambda p, able: requests.for_price(self._model, p, able, readout), progress)
        return [self._reading(one, readout) for one in exchanges]

    def write(
        self, prompts: list[Prompt], max_tokens: int, progress: Progress, schema: Mapping[str, Any] | None = None
    ) -> list[Written]:
        answers = self._ask(
            prompts, lambda p, able: requests.for_text(self._model, p, able, max_tokens, schema), progress
        )
        if schema is not None:
            self._notice_schema(answers)
        return [
            Written(one.spent, error=one.outcome.error)
            if one.outcome.error
            else Written(one.spent, one.outcome.response["text"])
            for one in answers
        ]

    def hidden_states(self, prompts: list[Prompt], pooling: Pooling, progress: Progress) -> npt.NDArray[np.float32]:
        del prompts, pooling, progress
        raise NotReady("A model behind an endpoint keeps its inside to itself; choose a model on this machine.")

    def price_with_tools(
        self, prompts: list[Prompt], tools: list[Tool], max_calls: int, readout: Readout, progress: Progress
    ) -> list[Reading]:
        """Prices in rounds: every talk that is still going on asks, its calls are made, and again; max_calls per talk.

        A call beyond that, of a function that is not there, or with arguments that are no JSON is answered with a
        sentence that the model can act on. evidence as in `price`, and "calls".
        """
        if self._abilities().get("tools") is False:
            raise self._without_tools()
        talks = [_Talk(prompt, requests.messages(prompt)) for prompt in prompts]
        # One round more than calls, for the answer; a round brings at least one call, so that this ends.
        for _ in range(max_calls + 1):
            going = [talk for talk in talks if talk.last is None]
            if not going:
                break
            history = {id(talk.prompt): talk for talk in going}

            def body(prompt: Prompt, able: Mapping[str, Any], now: dict[int, _Talk] = history) -> dict[str, Any]:
                talk = now[id(prompt)]
                return requests.with_tools(
                    self._model, talk.said, tools, able, greedy=readout.greedy, may_call=len(talk.calls) < max_calls
                )

            for talk, one in zip(going, self._ask([t.prompt for t in going], body, progress, advance=0), strict=True):
                talk.hear(one, tools, max_calls)
            progress.advance(sum(talk.last is not None for talk in going))
        ignored = ["tools"] if prompts and not any(talk.calls for talk in talks) else []
        return [self._end(talk, readout, ignored) for talk in talks]

    # Inside

    def _end(self, talk: "_Talk", readout: Readout, ignored: list[str]) -> Reading:
        if talk.last is None:
            return Reading(talk.spent, evidence={"calls": talk.calls}, error="The model went on calling functions.")
        reading = self._reading(replace(talk.last, spent=talk.spent), readout)
        evidence = {**reading.evidence, "calls": talk.calls}
        if ignored:
            evidence["ignored"] = [*evidence.get("ignored", []), *ignored]
        return replace(reading, evidence=evidence)

    def _refresh(self) -> Endpoint:
        """Reads anew what is set for the endpoint: a person may have changed it since."""
        with begin() as session:
            self._endpoint = endpoints.get(session, self._endpoint_name)
            self._tariff: Tariff | None = tariffs.find(session, self._endpoint, self._model)
        return self._endpoint

    def _abilities(self) -> dict[str, Any]:
        return self._endpoint.model(self._model).abilities

    def _learn(self, **abilities: Any) -> None:
        with begin() as session:
            endpoints.learn(session, self._endpoint_name, self._model, abilities)
            self._endpoint = endpoints.get(session, self._endpoint_name)

    def _ask(
        self,
        prompts: Sequence[Prompt],
        body: Callable[[Prompt, Mapping[str, Any]], dict[str, Any]],
        progress: Progress,
        advance: int = 1,
    ) -> list[_Asked]:
        """Makes the request of each prompt; one whose parameters the model refuses is made again without them."""
        self._refresh()
        out: dict[int, _Asked] = {}
        todo = list(range(len(prompts)))
        tries, is_first = 0, True
        while todo and tries < OPTIONS:
            # A model nobody knows yet is asked one question first: what it refuses or ignores need not be paid n times.
            now, later = (todo[:1], todo[1:]) if is_first and self._is_new() and self.batch == "off" else (todo, [])
            answered = self._once([(i, prompts[i]) for i in now], body, progress, advance)
            again = []
            for i, one in answered.items():
                out[i] = replace(one, spent=out[i].spent + one.spent) if i in out else one
                if one.outcome.refused:
                    self._refuse(one.outcome.refused)
                    again.append(i)
                elif self._must_repeat(one):
                    again.append(i)
            self._notice(next((one for i, one in answered.items() if i not in again), None))
            todo = again + later
            # A question that ended, be it with an error of its own, says nothing against asking the others.
            tries, is_first = tries + bool(again), is_first and bool(again)
        for i in todo:  # it refuses one thing after the other
            out[i] = _Asked(prompts[i], {}, Outcome(error=f"{self.name} refuses every form of the question."), Spent())
        return [out[i] for i in range(len(prompts))]

    def _is_new(self) -> bool:
        return "seen" not in self._abilities()

    def _without_tools(self) -> NotReady:
        return NotReady(
            f"{self.name} can't call functions, as its answers showed; choose a model that can, or another technique."
        )

    def _refuse(self, parameter: str) -> None:
        if parameter == "tools":  # the question makes no sense without them
            self._learn(tools=False)
            raise self._without_tools()
        if parameter not in self._abilities().get("refuses", ()):
            self._learn(refuses=[parameter])

    def _must_repeat(self, one: _Asked) -> bool:
        """Whether to ask again: a model that spends its room on thoughts before it says a word gets more of it,
        once."""
        response = one.outcome.response
        starved = response.get("finish_reason") == "length" and not response.get("text") and not response.get("calls")
        if not starved or requests.most_out(one.request) >= requests.THINKING_TOKENS:
            return False
        self._learn_once(thinks=True)
        return True

    def _notice(self, one: _Asked | None) -> None:
        """Keeps what the first answer of a model shows: that it is there, thinks, and gives token probabilities or
        not."""
        if one is None or one.outcome.stored is None:
            return
        seen: dict[str, Any] = {} if "seen" in self._abilities() else {"seen": True}
        if one.outcome.response.get("thought") and not self._abilities().get("thinks"):
            seen["thinks"] = True
        if one.request.get("logprobs") and one.outcome.response.get("text") and "logprobs" not in self._abilities():
            seen["logprobs"] = one.outcome.response.get("logprobs") is not None
        if seen:
            self._learn(**seen)

    def _notice_schema(self, answers: Sequence[_Asked]) -> None:
        held = [one for one in answers if one.request.get("response_format") and one.outcome.stored]
        texts = [one.outcome.response["text"] for one in held]
        if texts and "json_schema" not in self._abilities():
            self._learn(json_schema=any(_json(text) is not None for text in texts))

    def _once(
        self,
        numbered: Sequence[tuple[int, Prompt]],
        body: Callable[[Prompt, Mapping[str, Any]], dict[str, Any]],
        progress: Progress,
        advance: int,
    ) -> dict[int, _Asked]:
        """Makes each request once, from the store where it was asked before, else paid; the books kept per prompt."""
        able = self._abilities()
        made = {i: body(prompt, able) for i, prompt in numbered}
        hashes = {i: requests.fingerprint(self._endpoint.base_url, request, self.sample) for i, request in made.items()}
        calls: dict[str, Call] = {}
        for i, prompt in numbered:
            if hashes[i] not in calls:
                most_in = sum(
                    token_guess.count(str(said.get("content") or said.get("tool_calls"))) + token_guess.MESSAGE_TOKENS
                    for said in made[i]["messages"]
                ) + (token_guess.count(json.dumps(made[i]["tools"])) if "tools" in made[i] else 0)
                calls[hashes[i]] = Call(
                    hashes[i], self._model, made[i], prompt.row, most_in, requests.most_out(made[i])
                )
        outcomes = self._stored(calls, progress)
        known = sum(hashes[i] in outcomes for i in made)
        if advance and known:
            progress.advance(known * advance)
        missing = [call for key, call in calls.items() if key not in outcomes]
        fresh = {call.hash for call in missing}
        if missing and self.batch != "off":
            outcomes |= batch_api.answers(self._endpoint, missing, self._tariff, progress, self.batch)
            missing = [call for call in missing if call.hash not in outcomes]
        if missing:
            outcomes |= client.ask(self._endpoint, missing, self._tariff, progress, advance)
        self._note_uses(outcomes, progress)
        paid: set[str] = set()
        out = {}
        for i, prompt in numbered:
            outcome = outcomes[hashes[i]]
            spent = _spent(outcome, prompt.row, progress.job_id, hashes[i], paid, fresh)
            out[i] = _Asked(prompt, made[i], outcome, spent)
        return out

    def _note_uses(self, outcomes: Mapping[str, Outcome], progress: Progress) -> None:
        """Notes who uses answers: those that another job paid for are kept for as long as this one is there."""
        job_id = progress.job_id
        if job_id is None:
            return
        shared = [key for key, one in outcomes.items() if one.stored and one.stored.job_id != job_id]
        if shared:
            with begin() as session:
                completions.use(session, shared, job_id)

    def _stored(self, calls: Mapping[str, Call], progress: Progress) -> dict[str, Outcome]:
        with begin() as session:
            found = completions.look(session, list(calls))
        del progress
        return {key: Outcome(stored) for key, stored in found.items() if stored.state == "done"}

    def _reading(self, one: _Asked, readout: Readout) -> Reading:
        if one.outcome.error:
            return Reading(one.spent, error=one.outcome.error)
        response = one.outcome.response
        text = response["text"]
        evidence: dict[str, Any] = {"answer": text}
        ignored = []
        if response.get("refusal") or response.get("finish_reason") == "content_filter":
            evidence["answer"] = response.get("refusal") or text
            return Reading(one.spent, evidence=evidence, error="The endpoint's content filter withheld the answer.")
        if not readout.greedy and self._lacks("logprobs", one, response.get("logprobs")):
            ignored.append("logprobs")
        price = None
        if one.request.get("response_format"):
            price = _price_in(text)
            is_whole = response.get("finish_reason") != "length"
            if price is None and text and is_whole and _json(text) is None:
                ignored.append("json_schema")
                self._learn_once(json_schema=False)
        price = parse_price(text) if price is None else price
        if ignored:
            evidence["ignored"] = ignored
        # An answer that can be read stands, also outside the bounds: what its tokens say of prices within them would be
        # what the model did not mean.
        if readout.greedy or price is None or not response.get("logprobs") or not readout.bounds.holds(price):
            return Reading(one.spent, price=price, evidence=evidence)
        prices = logprob_reading.distribution(response["logprobs"], price, readout.bounds)
        if prices is None:
            return Reading(one.spent, price=price, evidence=evidence)
        return Reading(
            one.spent,
            price=price,
            statistics={str(name): value for name, value in logprob_reading.statistics(*prices).items()},
            quantiles=logprob_reading.quantiles(*prices),
            evidence=evidence | {"likeliest": logprob_reading.likeliest(*prices, readout.bounds)},
        )

    def _lacks(self, what: str, one: _Asked, given: Any) -> bool:
        """Whether the endpoint took the question for `what` without a word and did not answer it, now or before."""
        if one.request.get(what):
            if given is None and one.outcome.response.get("text"):
                self._learn_once(**{what: False})
                return True
            return False
        return self._abilities().get(what) is False

    def _learn_once(self, **abilities: Any) -> None:
        if any(self._abilities().get(name) is not value for name, value in abilities.items()):
            self._learn(**abilities)


class _Talk:
    """A conversation about one item in which the model may call functions."""

    def __init__(self, prompt: Prompt, said: list[dict[str, Any]]) -> None:
        self.prompt, self.said = prompt, said
        self.calls: list[dict[str, Any]] = []
        self.spent = Spent()
        self.last: _Asked | None = None  # its answer; None while it goes on

    def hear(self, one: _Asked, tools: Sequence[Tool], max_calls: int) -> None:
        self.spent += one.spent
        wanted = one.outcome.response.get("calls") or []
        if not wanted or one.outcome.error:
            self.last = one
            return
        self.said.append(
            {
                "role": "assistant",
                "content": one.outcome.response["text"] or None,
                "tool_calls": [
                    {
                        "id": call["id"],
                        "type": "function",
                        "function": {"name": call["name"], "arguments": call["arguments"]},
                    }
                    for call in wanted
                ],
            }
        )
        for call in wanted:
            arguments, result = self._call(call, tools, max_calls)
            self.said.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            self.calls.append({"name": call["name"], "arguments": arguments, "result": result})

    def _call(self, call: Mapping[str, str], tools: Sequence[Tool], max_calls: int) -> tuple[Any, str]:
        arguments = _json(call["arguments"])
        tool = next((tool for tool in tools if tool.name == call["name"]), None)
        if len(self.calls) >= max_calls:
            return arguments, "No more calls are allowed; answer now."
        if tool is None:
            return arguments, f"There is no function {call['name']}; there are: {', '.join(t.name for t in tools)}."
        if not isinstance(arguments, dict):
            return call["arguments"], "The arguments must be a JSON object."
        try:
            return arguments, tool.run(self.prompt.row, arguments)
        except ValueError as error:
            return arguments, f"That did not work: {error}"


def _spent(
    outcome: Outcome, row: int, job_id: int | None, key: str, paid: set[str], fresh: set[str]
) -> Spent:  # fmt: skip
    """The books of one prompt, which pays when the stored call is its own, else saves the price."""
    stored = outcome.stored
    if stored is None:
        return Spent(usd=0.0)
    ours = key in fresh if job_id is None else (stored.job_id, stored.row) == (job_id, row)
    pays = ours and key not in paid
    if pays:
        paid.add(key)
    usd = float("nan") if stored.usd is None else stored.usd
    return Spent(
        stored.tokens_in,
        stored.tokens_cached,
        stored.tokens_out,
        stored.seconds if pays else 0.0,
        usd if pays else 0.0,
        0.0 if pays or stored.usd is None else stored.usd,
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _price_in(text: str) -> float | None:
    """The price in an answer that was held to JSON."""
    found = _json(text)
    price = found.get("price") if isinstance(found, dict) else found
    if isinstance(price, str):
        return parse_price(price)
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 < price < float("inf"):
        return None
    return float(price)
