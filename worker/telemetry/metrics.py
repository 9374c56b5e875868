"""The table of metrics: their names, labels and meanings. docs/monitoring.md shows the same table.

What Postgres knows is read from there when somebody asks (worker/health/collector.py), by the control worker alone:
the sum over all processes would count it several times.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

# --- Of this process ---

PAGE_SECONDS = Histogram(
    "pricewright_page_seconds",
    "Time that a page took from the request until it was drawn.",
    ["page"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
    registry=REGISTRY,
)
CHILD_RESTARTS = Counter(
    "pricewright_child_restarts_total",
    "Times that the supervisor started a process again that had ended.",
    ["child"],
    registry=REGISTRY,
)
LEASES_REAPED = Counter(
    "pricewright_leases_reaped_total",
    "Chunks that were taken back from a worker that had gone silent.",
    registry=REGISTRY,
)
GPU_BUSY = Gauge(
    "pricewright_gpu_busy_ratio", "Share of the last second that a GPU worked.", ["gpu"], registry=REGISTRY
)
GPU_MEMORY_USED = Gauge(
    "pricewright_gpu_memory_used_bytes", "Memory of a GPU that is in use.", ["gpu"], registry=REGISTRY
)
GPU_MEMORY = Gauge("pricewright_gpu_memory_bytes", "Memory that a GPU has.", ["gpu"], registry=REGISTRY)

# --- Of all servers together: told by the control worker ---

QUEUE_READY = Gauge(
    "pricewright_queue_ready_chunks", "Chunks that could be worked on now and wait.", ["queue"], registry=REGISTRY
)
QUEUE_RUNNING = Gauge(
    "pricewright_queue_running_chunks", "Chunks that a worker holds and says so.", ["queue"], registry=REGISTRY
)
QUEUE_SILENT = Gauge(
    "pricewright_queue_silent_chunks",
    "Chunks whose worker has gone silent and that nobody took back yet.",
    ["queue"],
    registry=REGISTRY,
)
QUEUE_AGE = Gauge(
    "pricewright_queue_age_seconds",
    "Age of the oldest message whose chunk nobody has taken; 0 where none waits.",
    ["queue"],
    registry=REGISTRY,
)
QUEUE_MESSAGES = Gauge("pricewright_queue_messages", "Messages in the broker.", ["queue"], registry=REGISTRY)
WORKERS = Gauge("pricewright_workers", "Workers that say hello.", ["queue"], registry=REGISTRY)
JOBS = Gauge("pricewright_jobs", "Jobs that are kept, by their state.", ["state"], registry=REGISTRY)
CHUNK_SECONDS = Histogram(
    "pricewright_chunk_seconds",
    "Time from the first try of a chunk until it was done.",
    ["queue", "step"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
ROWS = Counter(
    "pricewright_rows_total", "Rows of chunks that are done; its rate is rows/s.", ["queue", "step"], registry=REGISTRY
)
MACHINE_USD = Counter(
    "pricewright_machine_usd_total", "What the machines' time for chunks that are done cost.", ["queue"],
    registry=REGISTRY,
)  # fmt: skip
ENDPOINT_USD = Counter(
    "pricewright_endpoint_usd_total",
    "What calls to endpoints cost, those that were lost at the most they may have cost.",
    ["endpoint", "owner"],
    registry=REGISTRY,
)
EVENTS = Counter(
    "pricewright_events_total",
    "What people are told of: jobs that are done or failed, caps reached, promises broken.",
    ["event"],
    registry=REGISTRY,
)
DELIVERIES_WAITING = Gauge(
    "pricewright_deliveries_waiting", "Notifications that were not delivered yet.", registry=REGISTRY
)
DATABASE_BYTES = Gauge("pricewright_database_bytes", "Size of the database.", registry=REGISTRY)
