"""Spans of a job, its chunks and its calls arrive at an OTLP receiver as one trace; without one nothing is imported."""

import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import text

from db.engine import begin
from db.settings import settings
from tests.builders import a_dataset
from tests.worker.conftest import drain
from tests.worker.llm.endpoint.calls import hosted
from worker import specs
from worker.pricing import actions
from worker.telemetry import tracing


@pytest.fixture
def received(monkeypatch):
    """Spans that a local receiver got, which the settings point at."""
    spans: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    settings.cache_clear()
    tracing._tracer.cache_clear()
    yield spans
    monkeypatch.undo()
    settings.cache_clear()
    tracing._tracer.cache_clear()
    server.shutdown()
    server.server_close()


def wait_for(spans, name, count=1):
    for _ in range(200):
        found = [span for span in spans if span.name == name]
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {name} among {sorted({span.name for span in spans})}")


def values(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.stack  # the courier
@pytest.mark.usefixtures("forked_couriers")
def test_a_job_its_chunks_and_its_calls_are_one_trace_without_texts(database, sent, received):
    with begin() as session:
        dataset_id = a_dataset(session)
    with hosted():
        spec = specs.parse({"technique": "zero-shot", "model": "e:fast"})
        (job_id,) = actions.start(dataset_id, [spec], limit=3)
        drain(sent)
        calls = wait_for(received, "chat fast")
        (job,) = wait_for(received, "job price")[:1]
        chunks = wait_for(received, "chunk price")
    assert {span.trace_id for span in (*calls, *chunks)} == {job.trace_id}
    assert {span.parent_span_id for span in chunks} == {job.span_id}
    every_chunk = {span.span_id for span in received if span.name.startswith("chunk ")}
    assert {span.parent_span_id for span in calls} <= every_chunk
    told = values(calls[0])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "fast"
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["server.address"] == "127.0.0.1"
    assert calls[0].end_time_unix_nano > calls[0].start_time_unix_nano
    assert values(job)["pricewright.job.id"] == job_id
    with begin() as session:
        titles = session.scalars(text("SELECT title FROM items")).all()
    assert titles
    assert not any(title in str(received) for title in titles)


def test_without_an_address_nothing_is_imported():
    program = """
import sys
import worker.running, worker.llm.endpoint.dispatcher
from worker.telemetry import tracing
with tracing.chunk(1, 2, "price"):
    assert tracing.parent() == ""
tracing.call("", base_url="http://x", provider="", model="m", begun=0.0)
# The client of the broker imports the SDK by itself, for metrics that nobody asks for.
assert not [name for name in sys.modules if name.startswith(("opentelemetry.exporter", "opentelemetry.sdk.trace"))]
"""
    subprocess.run([sys.executable, "-c", program], check=True)
