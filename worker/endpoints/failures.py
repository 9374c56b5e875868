"""What an error of an endpoint means: try again, change the request, give up on this row, or stop everything."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from db.errors import NotReady, UserError
from db.types import Endpoint
from worker.endpoints.clients import without_key


class Kind(StrEnum):
    BUSY = "busy"  # asked too often: wait, then try again
    AGAIN = "again"  # may work the next time
    REFUSED = "refused"  # a parameter of the request is not supported: ask without it
    ROW = "row"  # this request will never work
    FATAL = "fatal"  # no request will work until a person acts


@dataclass(frozen=True, slots=True)
class Failure:
    kind: Kind
    sentence: str
    parameter: str = ""  # REFUSED: which
    retry_after: float | None = None  # seconds, where the endpoint says it
    status: int | None = None
    slow: bool = False  # it was given up after the endpoint's time limit
    may_be_charged: bool = False  # no answer came, but the endpoint may have made one


OPTIONAL = (
    "temperature", "top_logprobs", "logprobs", "max_tokens", "max_completion_tokens", "response_format", "tool_choice",
    "tools", "parallel_tool_calls",
)  # fmt: skip
"""Parameters that an endpoint may refuse, and that a request can do without or say in another way."""

_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra (input|field)|"
    r"does not accept|isn't available|not available|invalid (value|parameter|argument)|requires? ",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.?length|maximum context|too (long|large)|too many tokens|context window", re.IGNORECASE
)


def explain(error: Exception, endpoint: Endpoint, model: str, request: dict[str, Any]) -> Failure:
    """What an exception of the openai SDK means. Anything unexpected counts as worth another try."""
    import openai

    name, charged = endpoint.name, _may_be_charged(error)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        sentence = f"The endpoint {name} did not answer within {endpoint.timeout_seconds:g} s."
        return Failure(Kind.AGAIN, sentence, slow=True, may_be_charged=charged)
    if isinstance(error, openai.APIStatusError):
        return replace(_status(error, endpoint, model, request), may_be_charged=charged)
    ours = error if isinstance(error, UserError) else error.__cause__
    if isinstance(ours, UserError):  # we ourselves did not let it go there
        return Failure(Kind.FATAL, f"The endpoint {name} is not asked. {ours}")
    if isinstance(error, openai.APIConnectionError):
        sentence = f"The endpoint {name} can't be reached at {endpoint.base_url}."
        return Failure(Kind.AGAIN, sentence, may_be_charged=charged)
    sentence = f"The endpoint {name} sent an answer that can't be read ({type(error).__name__})."
    return Failure(Kind.AGAIN, sentence, may_be_charged=charged)


_NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")  # how the SDK's own client names them
_GAVE_UP_WAITING = (408, 504, 524)  # statuses of a gateway that knows nothing of the model behind it


def _may_be_charged(error: Exception) -> bool:
    """Whether the endpoint may have made an answer all the same: not where it said no, nor where nothing reached it."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in _GAVE_UP_WAITING
    return type(error.__cause__).__name__ not in _NOT_SENT


def as_not_ready(failure: Failure) -> NotReady:
    """The sentence as an error for users."""
    return NotReady(failure.sentence)


def _status(error: Any, endpoint: Endpoint, model: str, request: dict[str, Any]) -> Failure:
    status = int(error.status_code)
    code = str(error.code or "")
    message = _told(error, endpoint)
    after = retry_after(error.response.headers)
    name = endpoint.name
    if status == 401 or status == 403:
        where = f"put a valid one into the variable {endpoint.key_env} of the worker and resume"
        if not endpoint.key_env:
            where = "enter a valid one, or name the variable that holds it, on the Endpoints page and resume"
        return Failure(Kind.FATAL, f"The endpoint {name} refuses the key; {where}.", status=status)
    if "insufficient_quota" in (code, str(error.type or "")):
        sentence = f"The account behind the endpoint {name} has no credit left; top it up and resume."
        return Failure(Kind.FATAL, sentence, status=status)
    if 300 <= status < 400:
        sentence = (
            f"The endpoint {name} sends us on to another address (status {status}), which is not followed because its "
            "key belongs to this one; enter the address that answers itself, then resume."
        )
        return Failure(Kind.FATAL, sentence, status=status)
    if status == 404:
        sentence = f"The endpoint {name} does not know the model {model!r}, or its address is wrong ({message})."
        return Failure(Kind.FATAL, sentence, status=status)
    if status == 429:
        sentence = f"The endpoint {name} allows no more requests for now ({message})."
        return Failure(Kind.BUSY, sentence, retry_after=after, status=status)
    if status in (408, 409) or status >= 500:
        sentence = f"The endpoint {name} failed with status {status} ({message})."
        return Failure(Kind.AGAIN, sentence, retry_after=after, status=status)
    if parameter := _refused(error, code, request):
        sentence = f"The endpoint {name} does not support {parameter} for {model} ({message})."
        return Failure(Kind.REFUSED, sentence, parameter, status=status)
    return Failure(
        Kind.ROW, f"The endpoint {name} refused this request with status {status} ({message}).", status=status
    )


def _refused(error: Any, code: str, request: dict[str, Any]) -> str:
    """Which parameter of the request a 400 complains about; "" when it is about something else."""
    message = str(error.message)
    if error.status_code not in (400, 422) or code == "context_length_exceeded" or _TOO_LONG.search(message):
        return ""
    named = re.split(r"[.\[]", str(error.param or ""))[0]
    if named in OPTIONAL and named in request:
        return named
    if not _UNSUPPORTED.search(message):
        return ""
    for parameter in OPTIONAL:  # the longer name first: "top_logprobs" holds "logprobs"
        if parameter in request and re.search(rf"\b{parameter}\b", message):
            return parameter
    return ""


def _told(error: Any, endpoint: Endpoint, longest: int = 160) -> str:
    """The endpoint's own words, short, on one line and without the key."""
    body = error.body
    words = body.get("message") if isinstance(body, dict) else None
    text = " ".join(without_key(str(words or error.message or "no reason given"), endpoint).split()).rstrip(".")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def retry_after(headers: Any) -> float | None:
    """Seconds to wait as the headers say: retry-after-ms, else retry-after in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = str(headers.get(name, ""))
        try:
            seconds = float(text) * unit
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
            except (ValueError, TypeError):
                continue
        if -1 <= seconds < 86_400:
            return max(0.0, seconds)
    return None
