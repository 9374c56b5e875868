"""Names and explanations that people read on pages. The words are those of the glossary."""

from datetime import date
from typing import Any, Literal

from dashboard.shared.formats import count, listed
from dashboard.shared.markdown import md as md
from dashboard.shared.markdown import plain as plain
from db.errors import UserError
from db.types import Adapter, Dataset, DatasetState, Family, Job, JobKind, JobState, Role, Split, Step
from worker import amounts, specs
from worker.datasets.answers import DateOrder, Sign
from worker.jobs.kinds import KINDS
from worker.specs import finetune

SOON_DAYS = 120
"""A model that is shut down within this many days is warned about."""

FAMILIES: dict[str, str] = {
    Family.BASELINE: "Baseline, no language model",
    Family.PROMPT: "Prompted language model",
    Family.RAG: "Language model with neighbours",
    Family.FINETUNE: "Fine-tuned language model",
    Family.ENSEMBLE: "Ensemble",
    Family.CASCADE: "Cascade",
}

FIELDS: dict[str, str] = {
    "title": "Title (needed)",
    "description": "Description",
    "category": "Category",
    "brand": "Brand",
    "price": "Price",
    "currency": "Currency of each price",
    "id": "Your own id",
    "side": "Side: train, validation, test",
    "date": "Date: learn before, test after",
    "weight": "Weight in measures",
    "quantity": "Quantity (the price is learned per unit)",
}

SIGNS: dict[Sign | None, str] = {
    None: "as detected",
    Sign.POINT: "point: 1,234.56",
    Sign.COMMA: "comma: 1.234,56",
}

DATE_ORDERS: dict[DateOrder, str] = {
    DateOrder.DAY_FIRST: "the day: 31/12/2024",
    DateOrder.MONTH_FIRST: "the month: 12/31/2024",
}

SPLITS: dict[str, tuple[str, str]] = {
    Split.TRAIN: ("Train", "Techniques learn from these prices."),
    Split.VALIDATION: ("Validation", "Techniques tune themselves on these prices."),
    Split.TEST: ("Test", "Kept hidden; every error on the Trade-offs page is measured here."),
    Split.UNPRICED: ("No price", "The file has no price for these: they are what can be priced."),
}

STEPS: dict[str, str] = {
    Step.INSPECT: "Looking at the file",
    Step.LOAD: "Loading rows",
    Step.SEARCH: "Searching",
    Step.INDEX: "Embedding what changed",
    Step.PILOT: "Timing a few steps",
    Step.TRAIN: "Training",
    Step.TUNE: "Training",
    Step.GATE: "Measuring what it forgot",
    Step.RUNG: "Training on growing parts",
    Step.FORECAST: "Reckoning what more rows would bring",
    Step.FIT: "Learning from the train rows",
    Step.PRICE: "Pricing",
    Step.EVALUATE: "Measuring",
    Step.SIMULATE: "Simulating comparisons",
    Step.RACE: "Racing",
    Step.LEAKAGE: "Searching for leaks",
    Step.PRICE_CHECK: "Checking prices",
    Step.RECHECK: "Rechecking saved verdicts",
    Step.COMPARE: "Comparing",
    Step.TRUTH: "Comparing with real prices",
    Step.REFIT: "Learning anew on parts of the rows",
}

CHOICES: dict[str, str] = {
    "none": "as they are",
    "nf4": "4 bits (nf4): a quarter of the memory",
    "int8": "8 bits (int8): faster where the processor can",
    "all-linear": "all of them",
    "attention": "attention only",
    "linear": "falls in a line",
    "cosine": "falls in a curve (cosine)",
    "constant": "stays",
    "mae": "mean error",
    "median_relative_error": "median error",
    "loss": "loss",
}
"""Value of a setting -> what a reader calls it, where the value does not say it."""

STATES: dict[str, tuple[str, Literal["blue", "gray", "green", "red", "orange"], str]] = {
    JobState.RUNNING: ("Running", "blue", ":material/play_arrow:"),
    JobState.PAUSED: ("Paused", "orange", ":material/pause:"),
    JobState.DONE: ("Done", "green", ":material/check:"),
    JobState.FAILED: ("Failed", "red", ":material/error:"),
    JobState.CANCELLED: ("Cancelled", "gray", ":material/cancel:"),
    JobState.STOPPED: ("Stopped early by a race", "gray", ":material/flag:"),
}
"""Job state -> what to call it, the colour and the icon of its badge."""

DATASET_STATES: dict[str, str] = {
    DatasetState.UPLOADED: "being looked at",
    DatasetState.INSPECTED: "waits for its columns",
    DatasetState.LOADING: "being loaded",
    DatasetState.READY: "ready",
    DatasetState.FAILED: "could not be read",
}

ROLES: dict[str, tuple[str, str]] = {
    Role.VIEWER: ("a viewer", "you read what is shared with you."),
    Role.ANALYST: ("an analyst", "you load tables, price them, decide, and change what is yours."),
    Role.ADMIN: ("an admin", "you see and change everything, also endpoints and what belongs to others."),
}
"""Role -> what somebody is, and what that lets her do."""

SYNTHETIC = "This catalogue is synthetic: a seeded generator made its products and prices. No shop sells them."


def model_name(ref: str) -> str:
    """What readers call a model that specs name so: "gpt-5 · on openai"; a folder's last part."""
    endpoint, _, name = ref.partition(":")
    return f"{name} · on {endpoint}" if specs.is_endpoint_model(ref) else specs.model_name(ref)


def prompt_name(ref: str) -> str:
    """What readers call a prompt that specs name so: "listing, version 2"."""
    name, _, version = ref.partition("@")
    if ref == "auto":
        return "auto: fits the kind of model"
    return f"{name}, version {version}" if version else f"{name}, newest version"


def shutdown(name: str, date_text: str | None, today: date) -> str | None:
    """A warning about a model that ends soon or has ended; None when that is far or nobody said when."""
    if not date_text:
        return None
    days = (date.fromisoformat(date_text[:10]) - today).days
    if days < 0:
        return f"{name} was shut down on {date_text[:10]}: calls will fail; choose another model."
    if days <= SOON_DAYS:
        return f"{name} will be shut down on {date_text[:10]}, in {count(days, 'day')}: do not build on it."
    return None


def job_name(job: Job, form: str = "") -> str:
    """The name that a person gave it, else the technique with the settings that differ from its defaults, or what else
    the job does, and with what.

    `form`: what the adapter that it prices with learned to say, where that is known.
    """
    if job.name:
        return job.name
    if job.kind is JobKind.INDEX:
        return index_name(job)
    if job.kind is not JobKind.PRICE:
        return training_name(job)
    try:
        return job.named(specs.describe(specs.parse(job.spec), form))
    except UserError:  # stored by an earlier version, whose technique had other settings
        known = specs.SPECS.get(job.technique)
        return f"{known.label if known else job.technique} (earlier version)"


def training_name(job: Job) -> str:
    """What a job that prices nothing does, with what differs from the quick preset: "Fine-tune (rows=2000)"."""
    try:
        settings = finetune.describe(finetune.parse(job.spec["train"])) if "train" in job.spec else ""
    except UserError:  # stored by an earlier version
        settings = "earlier version"
    label = KINDS[job.kind].label
    return f"{label} ({settings})" if settings else label


def measurement(metrics: dict[str, Any]) -> str:
    """What validation rows said of an adapter: "mean error $9.50, median error 25%, 100% with a price, loss 1.25"."""
    forms = {
        "median_relative_error": "median error {:.0%}",
        "parse_rate": "{:.0%} of answers with a price",
        "loss": "loss {:.4g}",
    }
    error = metrics.get("mae")
    told = [] if error is None else [f"mean error {amounts.price(error)}"]
    told += [form.format(metrics[name]) for name, form in forms.items() if metrics.get(name) is not None]
    return ", ".join(told) or "nothing could be measured"


def before(metrics: dict[str, Any]) -> str:
    """What the error was before training: " (mean error before training $12.00)"; "" where nobody knows."""
    untrained = metrics.get("untrained_mae")
    return "" if untrained is None else f" (mean error before training {amounts.price(untrained)})"


def brought_nothing(metrics: dict[str, Any]) -> bool:
    """Whether an adapter's mean error on validation rows is no lower than the model's was before training."""
    error, untrained = metrics.get("mae"), metrics.get("untrained_mae")
    return error is not None and untrained is not None and error >= untrained


def adapter_name(adapter: Adapter) -> str:
    """What an adapter is for, what it was made of, how good it is, whether somebody relies on it; its number last."""
    error = adapter.metrics.get("mae")
    good = [] if error is None else [f"mean error {amounts.price(error)}"]
    made = f"{model_name(adapter.base)}, {adapter.form}"
    return " · ".join([adapter.task, made, *good, str(adapter.state), adapter.id[:8]])


def technique(name: str) -> str:
    """Label of a technique that may be unknown to this version."""
    return specs.SPECS[name].label if name in specs.SPECS else name


def index_name(job: Job) -> str:
    """What an index job does: "Knowledge base: refresh"."""
    return f"{KINDS[job.kind].label}: {index_purpose(job)}"


def index_purpose(job: Job) -> str:
    """What an index job is for: "changes from june.csv"."""
    if job.spec.get("changes"):
        verb = "removals" if job.spec["changes"].get("removes") else "changes"
        return f"{verb} from {job.spec['changes']['name']}"
    if job.spec.get("reference"):
        return f"dataset {job.spec['reference']} as reference"
    return "scheduled refresh" if job.spec.get("scheduled") else "refresh"


def is_paid(job: Job) -> bool:
    """Whether an endpoint charges for its answers; else it is the machine's time that costs."""
    return any(specs.is_endpoint_model(str(each.get("model", ""))) for each in (job.spec, *job.spec.get("members", ())))


def family(technique: str) -> str:
    """The family of a technique that may be unknown to this version; "" then."""
    return str(specs.SPECS[technique].family) if technique in specs.SPECS else ""


def dataset_name(dataset: Dataset) -> str:
    """Name, size and what to know of a dataset at a glance."""
    marks = [count(dataset.items, "item")] if dataset.state is DatasetState.READY else [DATASET_STATES[dataset.state]]
    marks += ["synthetic"] if dataset.is_synthetic else []
    marks += ["archived"] if dataset.archived_at else []
    return " · ".join([dataset.name, *marks])


def notices(evidence: dict[str, Any]) -> list[tuple[Literal["error", "warning", "info"], str]]:
    """What happened to one prediction that a reader should know, in sentences. `evidence`: as techniques keep it."""
    said: list[tuple[Literal["error", "warning", "info"], str]] = []
    if evidence.get("error"):
        said.append(("error", f"No answer: {_sentence(evidence['error'])}"))
    if evidence.get("flag"):
        said.append(
            ("warning", f"The product's text looks like instructions to the model: {_sentence(evidence['flag'])}")
        )
    shortened = evidence.get("shortened") or {}
    parts = []
    if shortened.get("examples"):
        parts.append(f"{shortened['examples']:,} of the examples or neighbours were left out, the lowest-ranked first")
    if shortened.get("tokens"):
        parts.append(f"the description lost {count(shortened['tokens'], 'token')}")
    if parts:
        said.append(("info", f"The prompt would not have fitted the model's context: {listed(parts)}."))
    if evidence.get("ignored"):
        names = listed([_IGNORED.get(str(name), str(name)) for name in evidence["ignored"]])
        said.append(("info", f"The endpoint ignored what it was asked for: {names}."))
    if evidence.get("outside"):
        said.append(("info", f"The model's answer lies outside the prices it was asked for ({evidence['outside']})."))
    if evidence.get("quantity"):
        said.append(
            ("info", f"The model saw and said prices of one unit; this row has {evidence['quantity']:,.9g} of them.")
        )
    return said


def evidence_name(key: str) -> str:
    """What readers call a piece of evidence that has no place of its own."""
    return _EVIDENCE.get(key, key.replace("_", " ").capitalize())


_EVIDENCE = {
    "neighbours_alone": "Neighbours alone, without the model",
    "n": "Items",
    "took": "What each of them took",
}

_IGNORED = {
    "logprobs": "probabilities of tokens, so there is no distribution",
    "json_schema": "an answer in a fixed form, so the price was read from free text",
    "tools": "tool calls",
}


def _sentence(text: object) -> str:
    said = str(text).strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."
