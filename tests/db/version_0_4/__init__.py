"""What the dump of version 0.4 holds, in the words of today: how many rows, and of which kind."""

from db.types import AdapterState, DatasetState, Family, JobKind, JobState, Queue, Step

ROWS = {
    "adapter_changes": 4, "adapter_files": 9, "adapters": 5, "artifacts": 25, "batches": 6, "checkpoints": 9,
    "chunks": 159, "completion_uses": 10, "completions": 96, "datasets": 8, "endpoints": 3, "items": 471, "jobs": 67,
    "knowledge_bases": 1, "knowledge_items": 40, "knowledge_removed": 2, "predictions": 149, "prompts": 3, "rates": 23,
    "rejects": 1, "results": 41, "training_points": 60, "workers": 3,
}  # fmt: skip
KINDS = {
    JobKind.INSPECT: 9, JobKind.LOAD: 4, JobKind.PRICE: 35, JobKind.INDEX: 4, JobKind.SEARCH: 1, JobKind.PILOT: 1,
    JobKind.FINETUNE: 10, JobKind.GATE: 1, JobKind.DATA_NEED: 2,
}  # fmt: skip
STATES = {
    JobState.DONE: 51, JobState.RUNNING: 5, JobState.PAUSED: 5, JobState.FAILED: 2, JobState.CANCELLED: 4,
}  # fmt: skip
QUEUES = {Queue.CPU: 30, Queue.GPU: 2, Queue.ENDPOINT: 21, Queue.INTERACTIVE: 14}
TECHNIQUES = {
    "constant": 5, "ridge": 1, "lightgbm": 1, "neighbours": 2, "zero-shot": 12, "multi-shot": 5, "chained": 2,
    "tools": 1, "rag": 3, "finetuned": 3,
}  # fmt: skip
STEPS = {
    Step.INSPECT: 9, Step.LOAD: 4, Step.SEARCH: 1, Step.INDEX: 7, Step.PILOT: 1, Step.TRAIN: 6, Step.TUNE: 4,
    Step.GATE: 11, Step.RUNG: 24, Step.FORECAST: 2, Step.FIT: 21, Step.PRICE: 35, Step.EVALUATE: 34,
}  # fmt: skip
CHUNK_STATES = {"done": 121, "waiting": 35, "failed": 2, "running": 1}
UNDER_WAY = {Step.INSPECT, Step.LOAD, Step.TRAIN, Step.TUNE, Step.FIT, Step.PRICE}
STATUSES = {"ok": 143, "unparsed": 1, "failed": 5}
DATASETS = {
    DatasetState.READY: 3, DatasetState.INSPECTED: 1, DatasetState.FAILED: 2, DatasetState.LOADING: 1,
    DatasetState.UPLOADED: 1,
}  # fmt: skip
SOURCES = {"train": 30, "reference": 8, "file": 2}
COMPLETIONS = {"done": 87, "sent": 4, "failed": 3, "lost": 2}
BATCHES = {"done": 2, "failed": 1, "open": 1, "new": 1, "sending": 1}
POINTS = {"eval": 26, "step": 24, "note": 10}
ERRORS = {  # mean absolute error in dollars of the jobs that priced the whole test side
    14: 138.248, 16: 110.454, 17: 110.281, 25: 83.484, 39: 91.493, 40: 102.243, 42: 113.743, 43: 91.493, 44: 110.493,
    49: 10.0, 51: 91.493, 52: 91.493, 53: 99.99,
}  # fmt: skip
FAMILIES = {Family.BASELINE: 4, Family.PROMPT: 8, Family.RAG: 1}
ADAPTERS = [  # task, state, form, model, dataset, job, whether it is behind an endpoint; oldest first
    ("things", AdapterState.RETIRED, "quantiles", "smollm2-135m", "things", 33, False),
    ("things", AdapterState.PRODUCTION, "tokens", "smollm2-135m", "things", 34, False),
    ("lamps only", AdapterState.RETIRED, "tokens", "smollm2-135m", "things", 36, False),
    ("things", AdapterState.CANDIDATE, "tokens", "lab", "things", 55, True),
    (
        "last season",
        AdapterState.CANDIDATE,
        "tokens",
        "smollm2-135m",
        "last season",
        None,
        False,
    ),  # its dataset is gone
]
CHANGES = [  # before, after, who, whether the gate objected; newest first
    (AdapterState.CANDIDATE, AdapterState.RETIRED, "Ann", False),
    (AdapterState.CANDIDATE, AdapterState.PRODUCTION, "Bob", True),
    (AdapterState.PRODUCTION, AdapterState.RETIRED, "Bob", False),
    (AdapterState.CANDIDATE, AdapterState.PRODUCTION, "Ann", False),
]
HANDED_IN = [58, 59]  # trainings that an endpoint has: one under way, one cancelled and not yet told so
INTERRUPTED = 60  # one of ours, which goes on from its checkpoint
GIVEN_UP = 36  # stopped early: asked for again it is trained anew
