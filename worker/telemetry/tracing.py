"""Spans of jobs, chunks and calls to endpoints, over OTLP; where no address for them is set, nothing is even imported.

A job is one trace, whoever works on it and on however many machines: its ids follow from the job's number. Texts of
prompts and answers are never part of a span.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from db.settings import settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Tracer

_EXPORT_MILLISECONDS = 1_000
_SAMPLED = 1

_parent = ""  # W3C traceparent of the chunk at work: a pool child has one at a time, in however many threads


def is_on() -> bool:
    """Whether spans go anywhere."""
    return bool(settings().otlp_endpoint)


def parent() -> str:
    """What calls of the chunk at work hang below, as W3C writes it; "" = nothing is traced."""
    return _parent


@contextmanager
def chunk(job_id: int, chunk_id: int, step: str) -> Iterator[None]:
    """The span of a chunk while it is worked on."""
    global _parent  # noqa: PLW0603 - of this process, see above
    if not is_on():
        yield
        return
    from opentelemetry.trace import StatusCode

    attributes: dict[str, Any] = {
        "pricewright.job.id": job_id,
        "pricewright.chunk.id": chunk_id,
        "pricewright.step": step,
    }
    span = _tracer("worker").start_span(f"chunk {step}", _below(_of_job(job_id)), attributes=attributes)
    ids = span.get_span_context()
    before, _parent = _parent, f"00-{ids.trace_id:032x}-{ids.span_id:016x}-01"
    try:
        yield
    except BaseException as error:
        span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        _parent = before
        span.end()


def job(job_id: int, kind: str, state: str, begun: datetime, ended: datetime) -> None:
    """The span of a job that is over, which those of its chunks hang below."""
    if not is_on():
        return
    from opentelemetry.trace import StatusCode

    token = _next_ids.set(_ids(job_id))
    try:
        attributes: dict[str, Any] = {
            "pricewright.job.id": job_id,
            "pricewright.job.kind": kind,
            "pricewright.job.state": state,
        }
        span = _tracer("worker").start_span(f"job {kind}", _below(""), attributes=attributes, start_time=_ns(begun))
    finally:
        _next_ids.reset(token)
    if state == "failed":
        span.set_status(StatusCode.ERROR)
    span.end(_ns(ended))


def call(
    hangs_below: str,
    *,
    base_url: str,
    provider: str,
    model: str,
    begun: float,
    answered_by: str = "",
    tokens: tuple[int, int] | None = None,
    wrong: str = "",
) -> None:
    """The span of a call to an endpoint that just ended. begun: as time.time() was then; tokens: in and out, of an
    answer; wrong: the kind of failure."""
    if not (hangs_below and is_on()):
        return
    from opentelemetry.trace import SpanKind, StatusCode

    place = urlsplit(base_url)
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider or "openai",  # whose protocol it is, where nobody said
        "gen_ai.request.model": model,
        "server.address": place.hostname or "",
    }
    more: Mapping[str, Any] = {
        "server.port": place.port,
        "gen_ai.response.model": answered_by,
        "gen_ai.usage.input_tokens": tokens and tokens[0],
        "gen_ai.usage.output_tokens": tokens and tokens[1],
        "error.type": wrong,
    }
    attributes |= {name: value for name, value in more.items() if value not in (None, "")}
    tracer, context = _tracer("courier"), _below(hangs_below)
    span = tracer.start_span(f"chat {model}", context, SpanKind.CLIENT, attributes, start_time=int(begun * 1e9))
    if wrong:
        span.set_status(StatusCode.ERROR, wrong)
    span.end(time.time_ns())


_next_ids: ContextVar[tuple[int, int] | None] = ContextVar("_next_ids", default=None)


def _ids(job_id: int) -> tuple[int, int]:
    """Trace and span of a job, the same for everybody who works with this database."""
    place = urlsplit(settings().database)
    whose = f"{place.hostname} {place.path} {place.query} job {job_id}"  # no password
    digest = hashlib.sha256(whose.encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])


def _of_job(job_id: int) -> str:
    trace, span = _ids(job_id)
    return f"00-{trace:032x}-{span:016x}-01"


def _below(traceparent: str) -> "Context":
    """The context of a span below that one; of "" below none."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if not traceparent:
        return Context()
    _, trace, span, _ = traceparent.split("-")
    ids = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(_SAMPLED))
    return set_span_in_context(NonRecordingSpan(ids), Context())


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)


@cache
def _tracer(kind: str) -> "Tracer":
    """What makes the spans of this process; begun when the first one is made, in a child that is forked already."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """Random ids, but those of a job."""

        def generate_trace_id(self) -> int:
            ids = _next_ids.get()
            return ids[0] if ids else super().generate_trace_id()

        def generate_span_id(self) -> int:
            ids = _next_ids.get()
            return ids[1] if ids else super().generate_span_id()

    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # a collector that is away is no news of ours
    exporter = OTLPSpanExporter(settings().otlp_endpoint.rstrip("/") + "/v1/traces", timeout=5)
    resource = Resource.create({"service.name": f"pricewright-{kind}"})
    provider = TracerProvider(resource=resource, id_generator=Ids())
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_MILLISECONDS))
    return provider.get_tracer("pricewright")  # type: ignore[return-value]
